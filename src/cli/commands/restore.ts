/** `lumadb restore`: makes a data directory of a backup, as it was then or at any later moment that the WAL stream knows. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Decoder } from '../../backup/decode/decode-job.js';
import type { RestorePoint } from '../../backup/restore/restore-plan.js';
import { parentOf } from '../../backup/store/locations.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import { ISO_TIME_FORM, parseIsoTime } from '../../base/iso-time.js';
import type { Config } from '../../config/schema.js';
import type { OpenedPlace } from '../../runtime/backup/places.js';
import type { OfflineEnvironment } from '../../runtime/maintenance.js';
import type { RestoreOptions, RestoreVerdict } from '../../runtime/restore/restore.js';
import type { RestorePreview } from '../../runtime/restore/restore-preview.js';
import { listenForInterruption } from '../backup/interruption.js';
import {
  addKeyOption,
  addRateOption,
  type BackupStoreOptions,
  keyOf,
  parseNames,
  parseParallel,
} from '../backup/options.js';
import { addOfflineOptions, bytesText, configOf, type OfflineOptions } from '../offline.js';
import { CliError, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { startByteBar } from '../progress.js';
import { plainTable } from '../render.js';
import { parseShards } from '../shards.js';

interface RestoreCliOptions extends OfflineOptions, BackupStoreOptions {
  readonly source: string;
  readonly target: string;
  readonly pointInTime?: number;
  readonly toSeqno?: number;
  readonly toLatest?: boolean;
  readonly walSource?: string;
  readonly collections?: string[];
  readonly shards?: number;
  readonly force?: boolean;
  readonly dryRun?: boolean;
}

const PARALLEL_DEFAULT = 4;

function parseTime(text: string): number {
  const ms = parseIsoTime(text);
  if (ms === null) throw new InvalidArgumentError(`It must be ${ISO_TIME_FORM}.`);
  return ms;
}

function parseSeqno(text: string): number {
  const seqno = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(seqno))
    throw new InvalidArgumentError('It must be a whole number.');
  return seqno;
}

function pointOf({ pointInTime, toSeqno, toLatest }: RestoreCliOptions): RestorePoint {
  if ([pointInTime, toSeqno, toLatest].filter((each) => each !== undefined).length > 1)
    throw new CliError('--point-in-time, --to-seqno and --to-latest exclude each other', EXIT_USAGE);
  if (pointInTime !== undefined) return { kind: 'time', timeMs: pointInTime };
  if (toSeqno !== undefined) return { kind: 'seqno', seqno: toSeqno };
  return toLatest === true ? { kind: 'latest' } : { kind: 'backup' };
}

async function run(options: RestoreCliOptions): Promise<number> {
  const point = pointOf(options);
  const config = await configOf(options);
  const { restore } = await import('../../runtime/restore/restore.js');
  const { previewRestore } = await import('../../runtime/restore/restore-preview.js');
  const { openBackup } = await import('../../runtime/backup/places.js');
  const { openDecoder } = await import('../../runtime/backup/thread-decoder.js');
  const { offlineEnvironment } = await import('../../runtime/maintenance.js');
  const environment = offlineEnvironment(config);
  const place = openBackup(options.source, config, options.rateLimit);
  const parallel = options.parallel ?? PARALLEL_DEFAULT;
  const decoder = openDecoder(environment.vfs, parallel);
  const streams: ObjectStore[] = [];
  const interruption = listenForInterruption('run the same command again to go on');
  try {
    // Where the backup is enough, a stream that cannot be reached must not be in the way.
    const isStreamNeeded = point.kind !== 'backup' || options.dryRun === true;
    const walSource = isStreamNeeded
      ? await walSourceOf(options, config, place, keyOf(options, config), streams)
      : undefined;
    const given = restoreOptions(options, config, {
      environment,
      place,
      point,
      walSource,
      decoder,
      parallel,
    });
    if (options.dryRun === true) {
      showPreview(await previewRestore(given), options);
      return EXIT_OK;
    }
    const bar = await startByteBar('restoring');
    let verdict: RestoreVerdict;
    try {
      verdict = await restore({
        ...given,
        signal: interruption.signal,
        onProgress: (step, done, total) => (step === 'copying' ? bar.update(done, total) : undefined),
      });
    } finally {
      bar.stop();
    }
    if (options.json) printJson(jsonOf(verdict, options));
    else printVerdict(verdict, options);
    return EXIT_OK;
  } finally {
    interruption.stop();
    await decoder.close();
    await place.close();
    for (const stream of streams) await stream.close();
  }
}

function restoreOptions(
  options: RestoreCliOptions,
  config: Config,
  found: {
    readonly environment: OfflineEnvironment;
    readonly place: OpenedPlace;
    readonly point: RestorePoint;
    readonly walSource: ObjectStore | undefined;
    readonly decoder: Decoder;
    readonly parallel: number;
  },
): RestoreOptions {
  const key = keyOf(options, config);
  return {
    ...found.environment,
    source: found.place,
    walSource: found.walSource,
    target: options.target,
    point: found.point,
    collections: options.collections,
    ...(options.shards !== undefined && { shards: options.shards }),
    ...(key && { key }),
    isForced: options.force === true,
    decoder: found.decoder,
    parallel: found.parallel,
  };
}

/** Named, or where the backup says that the log was streamed to, or a folder `wal` beside the backup. */
async function walSourceOf(
  { walSource, source }: RestoreCliOptions,
  config: Config,
  place: OpenedPlace,
  key: Uint8Array | undefined,
  opened: ObjectStore[],
): Promise<ObjectStore | undefined> {
  const { openFolder } = await import('../../runtime/backup/places.js');
  const { readBackup } = await import('../../backup/manifest/chain.js');
  const above = parentOf(source)?.location;
  let location = walSource;
  if (location === undefined) {
    const { wal_stream } = await readBackup(place.store, key);
    location = wal_stream ?? (above === undefined ? undefined : `${above}/wal`);
  }
  if (location === undefined) return undefined;
  const store = openFolder(location, config);
  opened.push(store);
  return store;
}

function showPreview(preview: RestorePreview, { json, source, target }: RestoreCliOptions): void {
  const { plan, identity, bytes, missingBytes, freeBytes, streamProblem } = preview;
  const { reachable, seqno, chain, rows, catalog, shortfall } = plan;
  const until = new Date(reachable.untilMs).toISOString();
  const pieces = rows.reduce((sum, row) => sum + row.pieces.length, 0);
  if (json) {
    printJson({
      source,
      target,
      target_state: preview.target.state,
      seqno,
      bytes,
      missing_bytes: missingBytes,
      free_bytes: freeBytes,
      files: chain[0].manifest.files.length,
      log_pieces: pieces,
      shards: identity.shards,
      chain: chain.map(({ name, manifest }) => ({ name, type: manifest.type, seqno: manifest.seqno })),
      reachable: { from_seqno: reachable.from, to_seqno: reachable.to, until },
      shortfall,
      stream_problem: streamProblem,
      catalog: catalog ?? 'of the backup',
    });
    return;
  }
  print(`${chain.map(({ name, manifest }) => `${name} (${manifest.type})`).join(' ← ')}`);
  print(
    `would restore seqno ${seqno} into ${target}: ${bytesText(bytes)} of files, ${pieces} pieces of the log`,
  );
  print(targetText(preview, target));
  const room = freeBytes < missingBytes ? 'NOT ENOUGH: ' : '';
  print(`${room}${bytesText(freeBytes)} are free there, at least ${bytesText(missingBytes)} are needed`);
  print(
    `with this source everything from seqno ${reachable.from} to ${reachable.to} (${until}) can be restored`,
  );
  if (shortfall !== null) print(shortfall);
  if (streamProblem !== null) print(`the WAL stream cannot be looked at: ${streamProblem}`);
}

function targetText({ target: look }: RestorePreview, target: string): string {
  switch (look.state) {
    case 'missing':
      return `${target} is not there and would be made`;
    case 'empty':
      return `${target} is empty`;
    case 'unfinished':
      return `an unfinished restore of ${look.found.source} to seqno ${look.found.seqno} is in ${target}`;
    case 'taken':
      return `${target} is not empty (${look.names.slice(0, 3).join(', ')}): refused without --force`;
  }
}

function jsonOf(verdict: RestoreVerdict, { source, target }: RestoreCliOptions): Record<string, unknown> {
  return {
    source,
    target,
    backup: verdict.backup,
    seqno: verdict.seqno,
    last_written_at: verdict.lastWrittenAt,
    documents: verdict.documents,
    collections: verdict.collections,
    shards: verdict.shards.map(({ shard, flushedSeqno, records, operations, lastSeqno, pieces, chain }) => ({
      shard,
      flushed_seqno: flushedSeqno,
      log_records: records,
      log_operations: operations,
      last_seqno: lastSeqno,
      log_pieces_verified: pieces,
      chain,
    })),
    shard_count: verdict.shardCount,
    shortfall: verdict.shortfall,
    bytes: verdict.bytesCopied,
    seconds: verdict.seconds,
    resumed: verdict.resumed,
    replaced: verdict.replaced,
    instance_id: verdict.instanceId,
  };
}

function printVerdict(verdict: RestoreVerdict, { target, source }: RestoreCliOptions): void {
  const { seqno, documents, lastWrittenAt, bytesCopied, seconds, replaced, shards, shortfall } = verdict;
  const written = lastWrittenAt === null ? '' : `, last written at ${lastWrittenAt}`;
  print(`restored ${source} to seqno ${seqno}${written}`);
  if (shortfall !== null) print(`no further: ${shortfall}`);
  print(
    plainTable(
      ['collection', 'documents'],
      verdict.collections.map((each) => [each.collection, `${each.documents}`]),
    ),
  );
  for (const { shard, flushedSeqno, records, pieces, chain } of shards) {
    const compared = pieces === 0 ? 'none needed' : `chain ${chain.slice(0, 12)} as in the source`;
    print(
      `shard ${shard}: tables to seqno ${flushedSeqno}, ${records} batches of the log from ${pieces} pieces, ${compared}`,
    );
  }
  if (verdict.shardCount !== shards.length) print(`spread over ${verdict.shardCount} shards`);
  const rate = seconds > 0 ? ` (${bytesText(Math.round(bytesCopied / seconds))}/s)` : '';
  print(`${documents} documents, ${bytesText(bytesCopied)} in ${seconds.toFixed(1)} s${rate}`);
  if (replaced !== null) print(`what was in ${target} before is in ${replaced}; remove it when all is well`);
  print('start the server, then check it with: lumadb health --verify-data');
}

export function registerRestore(program: Command, done: Done): void {
  const command = program.command('restore');
  command
    .requiredOption('--source <location>', 'the backup: a directory or s3://bucket/prefix/name')
    .requiredOption('--target <dir>', 'the data directory to make; empty or missing')
    .option('--point-in-time <time>', `as it was then: ${ISO_TIME_FORM}`, parseTime)
    .option('--to-seqno <n>', 'as it was when this operation was the last one', parseSeqno)
    .option('--to-latest', 'with all that the WAL stream has')
    .option(
      '--wal-source <location>',
      'where the log was streamed to (default: where the backup says, else wal beside it)',
    )
    .option('--collections <names>', 'only these, with commas between', parseNames)
    .option('--shards <n>', 'spread over another number of shards afterwards', parseShards)
    .option('--parallel <n>', 'files at a time', parseParallel)
    .option('--force', 'also into a directory that is not empty: what is there is moved aside')
    .option('--dry-run', 'say what would be done and what can be restored; change nothing');
  addRateOption(addKeyOption(command));
  addOfflineOptions(command)
    .description('Make a data directory of a backup. No server may run there.')
    .addHelpText(
      'after',
      `
Can be interrupted at any moment: run the same command again. No server opens a directory that is half restored.

Examples:
  $ lumadb restore --source /backups/lumadb/20240115_020000 --target /var/lib/lumadb/data
  $ lumadb restore --source s3://lumadb-backups/20240115_020000 --point-in-time 2024-01-15T14:30:00Z --target ./data
  $ lumadb restore --source /backups/lumadb/20240115_020000 --target ./data --dry-run`,
    )
    .action(async (_options, self: Command) => done(await run(self.optsWithGlobals())));
}
