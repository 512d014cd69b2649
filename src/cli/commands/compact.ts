/** `lumadb compact`: merges SSTables now instead of when it is due. The server does the work, as a task. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { LEVEL_RANGE_SYNTAX, parseLevelRange } from '../../base/level-range.js';
import { addConnectionOptions, type ConnectionOptions, resolveTarget } from '../connection.js';
import { bytesText } from '../offline.js';
import { CliError, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { startTask, taskUrl, waitForTask } from '../task.js';

interface CompactOptions extends ConnectionOptions {
  readonly collection?: string;
  readonly all?: boolean;
  readonly level?: string;
  readonly emergency?: boolean;
  readonly deleteTombstones?: boolean;
  readonly wait: boolean;
}

/** The `result` of a task that compacts. */
export interface CompactionResult {
  readonly steps: number;
  readonly bytes_read: number;
  readonly bytes_written: number;
  readonly table_bytes_before: number;
  readonly table_bytes_after: number;
  readonly tombstones_after: number;
}

function parseLevel(text: string): string {
  if (parseLevelRange(text) === undefined)
    throw new InvalidArgumentError(`It must be ${LEVEL_RANGE_SYNTAX}.`);
  return text;
}

async function compact(options: CompactOptions): Promise<number> {
  const { collection, all, level, emergency, deleteTombstones, wait, json } = options;
  if (collection === undefined && !all && !emergency) {
    throw new CliError('say what to compact: --collection NAME, --all or --emergency', EXIT_USAGE);
  }
  const to = await resolveTarget(options);
  const started = await startTask(to, '/admin/compaction', {
    ...(collection === undefined ? { all: true } : { collection }),
    ...(level === undefined ? {} : { level }),
    emergency: emergency === true,
    delete_tombstones: deleteTombstones === true,
  });
  if (!wait) {
    if (json) printJson(started);
    else print(`the compaction runs in the server: ${taskUrl(to, started)}`);
    return EXIT_OK;
  }
  const task = await waitForTask(to, started, 'compacting');
  if (json) printJson(task);
  else {
    print(`compacted ${collection ?? 'all collections'}`);
    printCompaction(task.result as CompactionResult);
  }
  return EXIT_OK;
}

export function printCompaction(result: CompactionResult): void {
  const { steps, bytes_read, bytes_written, table_bytes_before, table_bytes_after, tombstones_after } =
    result;
  print(`  steps       ${steps}, ${bytesText(bytes_read)} read, ${bytesText(bytes_written)} written`);
  print(`  tables      ${bytesText(table_bytes_before)} before, ${bytesText(table_bytes_after)} after`);
  print(`  tombstones  ${tombstones_after} left`);
}

export function registerCompact(program: Command, done: Done): void {
  addConnectionOptions(program.command('compact'))
    .addOption(new Option('--collection <name>', 'the tables that hold this collection').conflicts('all'))
    .addOption(new Option('--all', 'the tables of all collections'))
    .addOption(new Option('--level <levels>', `${LEVEL_RANGE_SYNTAX} (default: all)`).argParser(parseLevel))
    .addOption(
      new Option('--emergency', 'at once, before all other work and without a rate limit').conflicts('level'),
    )
    .option('--delete-tombstones', 'also rewrite the last level where it has tombstones or expired documents')
    .option('--no-wait', 'return as soon as it has begun')
    .description(
      'Merge SSTables now: reads get cheaper, and what is deleted or replaced gives its space back.',
    )
    .addHelpText(
      'after',
      `
What is in memtables is flushed first. With --level 0-2 the tables of levels 0 and 1 end up in level 2; with
--level 3 those of level 3 are written anew in place. Ctrl+C stops the waiting, not the compaction.

Examples:
  $ lumadb compact --collection orders
  $ lumadb compact --all --level 0-2
  $ lumadb compact --emergency --delete-tombstones`,
    )
    .action(async (_options, command: Command) => done(await compact(command.optsWithGlobals())));
}
