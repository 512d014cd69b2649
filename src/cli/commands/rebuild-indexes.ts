/** `lumadb rebuild-indexes`: builds indexes anew, in a running server as a task, or in the files of a stopped one. */
import type { Command } from 'commander';
import { DbError } from '../../base/errors.js';
import type { Maintained } from '../../runtime/maintenance.js';
import { resolveTarget, type Target } from '../connection.js';
import { addOfflineOptions, configOf, type OfflineOptions, withBar } from '../offline.js';
import { EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { startTask, taskUrl, waitForTask } from '../task.js';

interface RebuildOptions extends OfflineOptions {
  readonly collection: string;
  readonly wait: boolean;
  /** Global options: the server to ask, wherever it is. */
  readonly host?: string;
  readonly port?: number;
}

interface Rebuilt {
  readonly index: string;
  readonly documents: number;
}

async function rebuild(options: RebuildOptions): Promise<number> {
  if (options.host !== undefined || options.port !== undefined)
    return rebuildInServer(options, await resolveTarget(options));
  const config = await configOf(options);
  const { openOffline } = await import('../../runtime/maintenance.js');
  let maintained: Maintained;
  try {
    maintained = await openOffline(config);
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'DATA_DIRECTORY_LOCKED') throw error;
    return rebuildInServer(options, await resolveTarget({ dataDir: config.storage.data_dir }));
  }
  return rebuildInFiles(options, maintained);
}

async function rebuildInServer(options: RebuildOptions, to: Target): Promise<number> {
  const { collection, wait, json } = options;
  const started = await startTask(to, '/admin/indexes/rebuild', { collection });
  if (!wait) {
    if (json) printJson(started);
    else print(`the indexes are rebuilt in the server: ${taskUrl(to, started)}`);
    return EXIT_OK;
  }
  const task = await waitForTask(to, started, 'rebuilding');
  if (json) printJson(task);
  else printRebuilt((task.result as { readonly indexes: readonly Rebuilt[] }).indexes);
  return EXIT_OK;
}

async function rebuildInFiles(options: RebuildOptions, maintained: Maintained): Promise<number> {
  try {
    const { collectionNumber } = await import('../../runtime/maintenance.js');
    const { rebuildIndexes } = await import('../../tools/rebuild-indexes.js');
    const { collection } = options;
    const only = collection === 'all' ? undefined : collectionNumber(maintained.collections, collection);
    // What an earlier run that was killed has left.
    maintained.catalog.endBuilds();
    const indexes = await withBar('rebuilding', (onProgress) =>
      rebuildIndexes({ ...maintained, only, onProgress }),
    );
    if (options.json) printJson({ indexes });
    else printRebuilt(indexes);
    return EXIT_OK;
  } finally {
    maintained.close();
  }
}

function printRebuilt(indexes: readonly Rebuilt[]): void {
  for (const { index, documents } of indexes) print(`  ${index}  ${documents} documents`);
  print(indexes.length === 1 ? 'rebuilt one index' : `rebuilt ${indexes.length} indexes`);
}

export function registerRebuildIndexes(program: Command, done: Done): void {
  addOfflineOptions(program.command('rebuild-indexes'))
    .requiredOption('--collection <name>', 'the collection whose indexes are rebuilt; all for every one')
    .option('--no-wait', 'return at once when a server does it; GET /admin/tasks shows how far it is')
    .description(
      'Build indexes anew: invalid ones become valid, and valid ones serve until their successors do.',
    )
    .addHelpText(
      'after',
      `
A server that holds the data directory, or that --host and --port name, does it beside its other work, as a task;
without one the files are worked on. Exit 0 when all were rebuilt, 1 when something failed: what was rebuilt
before that stays so, and the others are as they were.

Examples:
  $ lumadb rebuild-indexes --collection all
  $ lumadb rebuild-indexes --collection users --data-dir /var/lib/lumadb    with the server stopped`,
    )
    .action(async (_options, command: Command) => done(await rebuild(command.optsWithGlobals())));
}
