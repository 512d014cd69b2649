/** `lumadb reshard`: spreads a database over another number of shards. */
import type { Command } from 'commander';
import type { ReshardReport } from '../../tools/reshard.js';
import { addOfflineOptions, bytesText, configOf, type OfflineOptions, withBar } from '../offline.js';
import { EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { parseShards } from '../shards.js';

interface ReshardCliOptions extends OfflineOptions {
  readonly shards: number;
  readonly deleteOld?: boolean;
}

async function spread(options: ReshardCliOptions): Promise<number> {
  const config = await configOf(options);
  const { openOffline } = await import('../../runtime/maintenance.js');
  const { reshard } = await import('../../tools/reshard.js');
  const maintained = await openOffline(config, { mayBeResharding: true });
  try {
    const { shards: to, deleteOld = false } = options;
    const report = await withBar('resharding', (onProgress) =>
      reshard({ ...maintained, from: maintained.shards, to, deleteOld, onProgress }),
    );
    if (options.json) printJson(jsonOf(report));
    else printReport(report);
    return EXIT_OK;
  } finally {
    maintained.close();
  }
}

function jsonOf({ from, to, resumed, built, oldDirectory }: ReshardReport): Record<string, unknown> {
  const { documents = null, bytes = null, left = null } = built ?? {};
  return { from, to, resumed, documents, bytes, left_out: left, old_directory: oldDirectory };
}

function printReport({ from, to, resumed, built, oldDirectory }: ReshardReport): void {
  print(`${from} shards became ${to}${resumed ? ', as an earlier run had prepared it' : ''}`);
  if (built !== null) print(`${built.documents} documents of ${bytesText(built.bytes)} were moved`);
  if (oldDirectory !== null) print(`the old shards are in ${oldDirectory}; remove them when all is well`);
  print(`start with sharding.shards = ${to} or 0`);
}

export function registerReshard(program: Command, done: Done): void {
  addOfflineOptions(program.command('reshard'))
    .requiredOption('--shards <n>', 'how many shards there shall be', parseShards)
    .option('--delete-old', 'remove the old shards when all is done')
    .description('Spread the database over another number of shards. The server must be stopped.')
    .addHelpText(
      'after',
      `
Needs about the size of the data as free disk space. Can be interrupted at any moment: run the same command again.

Example:
  $ lumadb reshard --shards 4 --data-dir /var/lib/lumadb`,
    )
    .action(async (_options, command: Command) => done(await spread(command.optsWithGlobals())));
}
