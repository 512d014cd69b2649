/** `lumadb fsck`: checks everything on disk. Without a server it reads all, beside one what does not change. */
import { hostname } from 'node:os';
import type { Command } from 'commander';
import { DbError } from '../../base/errors.js';
import type { Config } from '../../config/schema.js';
import type { Maintained } from '../../runtime/maintenance.js';
import type { Finding } from '../../tools/findings.js';
import type { FsckReport } from '../../tools/fsck.js';
import { addOfflineOptions, bytesText, configOf, type OfflineOptions, withBar } from '../offline.js';
import { CliError, EXIT_FAILED, EXIT_OK, EXIT_USAGE, print, printError, printJson } from '../output.js';
import type { Done } from '../program.js';

interface FsckCliOptions extends OfflineOptions {
  readonly collection?: string;
  readonly node?: string;
}

/** Names under which this node answers; there is no other. */
const NODE_NAMES = ['localhost', '127.0.0.1', '::1'];

function requireThisNode(node: string | undefined, { cluster }: Config): void {
  if (node === undefined || [...NODE_NAMES, hostname(), cluster.node_id].includes(node)) return;
  throw new CliError(
    `${node} is not this node (${hostname()}, ${cluster.node_id}): a database has one node so far, and its files are checked ` +
      'on its own machine. Leave --node out, or log in there',
    EXIT_USAGE,
  );
}

interface Opened {
  readonly maintained: Maintained;
  readonly isLive: boolean;
}

async function open(config: Config): Promise<Opened> {
  const { openBeside, openOffline } = await import('../../runtime/maintenance.js');
  try {
    return { maintained: await openOffline(config), isLive: false };
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'DATA_DIRECTORY_LOCKED') throw error;
    return { maintained: await openBeside(config, String(error.details?.['path'])), isLive: true };
  }
}

/** Prints what is found; the exit code tells whether it was an error. */
export async function check(options: FsckCliOptions): Promise<number> {
  const config = await configOf(options);
  requireThisNode(options.node, config);
  const { maintained, isLive } = await open(config);
  try {
    const { collectionNumber } = await import('../../runtime/maintenance.js');
    const { fsck } = await import('../../tools/fsck.js');
    const { collection } = options;
    const only = collection === undefined ? undefined : collectionNumber(maintained.collections, collection);
    const report = await withBar('checking', (onProgress) =>
      fsck({ ...maintained, only, isLive, onProgress }),
    );
    if (options.json) printJson({ data_dir: maintained.dataDirectory, online: isLive, ...jsonOf(report) });
    else printReport(report);
    return report.errors === 0 ? EXIT_OK : EXIT_FAILED;
  } finally {
    maintained.close();
  }
}

function jsonOf({ totals, findings, omitted, errors, warnings, notes }: FsckReport): Record<string, unknown> {
  const { walRecords, walBytes, ...rest } = totals;
  return {
    errors,
    warnings,
    findings,
    omitted,
    totals: { ...rest, wal_records: walRecords, wal_bytes: walBytes },
    notes,
  };
}

function printReport({ totals, findings, omitted, errors, warnings, notes }: FsckReport): void {
  for (const finding of findings) print(lineOf(finding));
  if (omitted > 0) print(`and ${omitted} more`);
  for (const note of notes) printError(`note: ${note}`);
  print(
    `${totals.tables} tables, ${totals.blocks} blocks, ${totals.entries} entries, ${bytesText(totals.bytes)}; ` +
      `${totals.walRecords} log records; ${totals.seconds.toFixed(1)} s`,
  );
  const verdict = errors === 0 ? 'ok' : `${errors} ${errors === 1 ? 'error' : 'errors'}`;
  print(warnings === 0 ? verdict : `${verdict}, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`);
}

function lineOf({ severity, shard, file, offset, reason, collection }: Finding): string {
  const at = offset === null ? '' : ` at offset ${offset}`;
  const about = collection === undefined ? '' : ` (collection ${collection})`;
  return `${severity}: shard ${shard}: ${file}${at}: ${reason}${about}`;
}

export function registerFsck(program: Command, done: Done): void {
  addOfflineOptions(program.command('fsck'))
    .option('--collection <name>', 'look into the documents of this collection alone')
    .option('--node <name>', 'the node to check; it must be this one')
    .description('Check all data on disk: checksums, order, statistics, documents, the log. Changes nothing.')
    .addHelpText(
      'after',
      `
Exit 0 when no error was found, 1 when one was. When a server holds the directory, the same checks are made beside
it, and the log is checked up to its last finished segment.

Example:
  $ lumadb fsck --collection users`,
    )
    .action(async (_options, command: Command) => done(await check(command.optsWithGlobals())));
}
