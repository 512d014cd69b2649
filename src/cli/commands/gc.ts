/** `lumadb gc`: removes the expired documents of a collection now. The server does the work, as a task. */
import type { Command } from 'commander';
import { addConnectionOptions, type ConnectionOptions, resolveTarget } from '../connection.js';
import { bytesText } from '../offline.js';
import { EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { startTask, waitForTask } from '../task.js';
import { type CompactionResult, printCompaction } from './compact.js';

interface GcOptions extends ConnectionOptions {
  readonly collection: string;
  readonly force?: boolean;
}

interface GcResult extends CompactionResult {
  readonly documents_removed: number;
  readonly document_bytes_removed: number;
}

async function gc(options: GcOptions): Promise<number> {
  const { collection, json } = options;
  const force = options.force === true;
  const to = await resolveTarget(options);
  const task = await waitForTask(to, await startTask(to, '/admin/gc', { collection, force }), 'removing');
  if (json) {
    printJson(task);
    return EXIT_OK;
  }
  const result = task.result as GcResult;
  const { documents_removed: documents, document_bytes_removed: bytes } = result;
  const noun = documents === 1 ? 'document' : 'documents';
  print(`removed ${documents} expired ${noun} of ${collection} (${bytesText(bytes)})`);
  if (force) printCompaction(result);
  return EXIT_OK;
}

export function registerGc(program: Command, done: Done): void {
  addConnectionOptions(program.command('gc'))
    .requiredOption('--collection <name>', 'the collection')
    .option(
      '--force',
      'also in read-only mode, and compact the collection afterwards, so that space comes back',
    )
    .description('Remove the expired documents of a collection now.')
    .addHelpText(
      'after',
      `
Readers miss expired documents at once, and the server removes them every few seconds by itself. Their space
comes back when their tables are compacted.

Example:
  $ lumadb gc --force --collection logs`,
    )
    .action(async (_options, command: Command) => done(await gc(command.optsWithGlobals())));
}
