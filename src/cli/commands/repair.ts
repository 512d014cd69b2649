/** `lumadb repair`: saves what can be read of a damaged data directory. Without --fix it only says what it would do. */
import type { Command } from 'commander';
import type { KeyText, RepairReport } from '../../tools/repair.js';
import { addOfflineOptions, bytesText, configOf, type OfflineOptions, withBar } from '../offline.js';
import { EXIT_FAILED, EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';

interface RepairCliOptions extends OfflineOptions {
  readonly collection: string;
  readonly fix?: boolean;
}

async function mend(options: RepairCliOptions): Promise<number> {
  const config = await configOf(options);
  const { collectionNumber, openOffline } = await import('../../runtime/maintenance.js');
  const { repair } = await import('../../tools/repair.js');
  const maintained = await openOffline(config);
  try {
    const { collection, fix = false } = options;
    const only = collection === 'all' ? undefined : collectionNumber(maintained.collections, collection);
    // 0: no document loses its text because of what this machine's clock says.
    const report = await withBar(fix ? 'repairing' : 'looking', (onProgress) =>
      repair({ ...maintained, only, fix, nowSeconds: 0, onProgress }),
    );
    if (options.json) printJson(jsonOf(report));
    else printReport(report);
    const isWhole = report.damageLeft.length === 0 && (report.sound || report.fixed);
    return isWhole ? EXIT_OK : EXIT_FAILED;
  } finally {
    maintained.close();
  }
}

function jsonOf(report: RepairReport): Record<string, unknown> {
  const { entriesSaved, entriesLost, bytesLost, damageLeft, invalidatedIndexes, ...rest } = report;
  return {
    ...rest,
    entries_saved: entriesSaved,
    entries_lost: entriesLost,
    bytes_lost: bytesLost,
    damage_left: damageLeft,
    invalidated_indexes: invalidatedIndexes,
  };
}

function printReport(report: RepairReport): void {
  if (report.sound)
    print(report.damageLeft.length === 0 ? 'nothing to repair' : 'nothing to repair in this collection');
  else printRepair(report);
  if (report.invalidatedIndexes.length > 0) {
    const verb = report.fixed ? 'are' : 'would be';
    print(`indexes that ${verb} invalid: ${report.invalidatedIndexes.join(', ')}`);
    print('lumadb rebuild-indexes --collection all makes them anew.');
  }
  for (const damage of report.damageLeft) print(`still damaged: ${damage}`);
  if (report.damageLeft.length > 0) print('Repair these tables with --collection all.');
}

function printRepair(report: RepairReport): void {
  print(report.fixed ? 'done:' : 'would do, with --fix:');
  for (const { shard, file, action } of report.actions) print(`  shard ${shard}: ${file}: ${action}`);
  for (const { file, offset, bytes, reason, from, to } of report.losses)
    print(
      `  lost: ${file} bytes ${offset} to ${offset + bytes}: keys from ${text(from)} to ${text(to)}: ${reason}`,
    );
  const lost = report.entriesLost === null ? 'an unknown number of entries' : `${report.entriesLost} entries`;
  print(
    `${report.entriesSaved} entries saved, ${lost} lost in ${bytesText(report.bytesLost)} of damaged ranges`,
  );
  for (const file of report.quarantined) print(`  kept: ${file}`);
  if (report.rebuilt)
    print(
      'Without the old manifest, documents that were deleted or replaced may come back in older versions.',
    );
  else if (report.losses.length > 0)
    print('Older versions of documents in the lost ranges, or deleted ones, may have come back.');
}

function text(key: KeyText | null): string {
  return key === null ? 'an unknown key' : `${key.collection}/${JSON.stringify(key.key)}`;
}

export function registerRepair(program: Command, done: Done): void {
  addOfflineOptions(program.command('repair'))
    .requiredOption('--collection <name>', 'repair tables that hold this collection; all for every table')
    .option('--fix', 'do it; without it, only say what would be done')
    .description(
      'Make a damaged data directory usable with everything that can still be read. The server must be stopped.',
    )
    .addHelpText(
      'after',
      `
Damaged files are moved to quarantine/ and never deleted. Can be interrupted and run again.
Exit 0 when nothing is (any more) wrong, 1 when a dry run found something or tables without the collection are damaged.

Example:
  $ lumadb repair --collection all --fix`,
    )
    .action(async (_options, command: Command) => done(await mend(command.optsWithGlobals())));
}
