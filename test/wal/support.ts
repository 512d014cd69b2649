/** Builders for the WAL tests: logs on a memory file system, with payloads that tell which record they are. */
import { asEpoch, asMillis, asSeqno, asShardId, type Seqno } from '../../src/base/brand.js';
import { ManualClock } from '../../src/base/clock.js';
import { createPrng } from '../../src/base/prng.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import type { WalPosition } from '../../src/wal/commit-log.js';
import { type RecoverWalOptions, recoverWal } from '../../src/wal/recovery.js';
import type { RecoveryReport } from '../../src/wal/recovery-report.js';
import { SegmentPool } from '../../src/wal/segments.js';
import { WalWriter } from '../../src/wal/writer.js';

export const DIRECTORY = '/db/shard-0/wal';
export const SHARD = asShardId(0);
export const SEGMENT_BYTES = 64 * 1024;

export interface Replayed {
  readonly firstSeqno: number;
  readonly operationCount: number;
  readonly epoch: number;
  readonly text: string;
  readonly position: WalPosition;
}

export interface Recovered {
  readonly report: RecoveryReport;
  readonly records: readonly Replayed[];
}

export function recover(vfs: Vfs, options: Partial<RecoverWalOptions> = {}): Recovered {
  const records: Replayed[] = [];
  const report = recoverWal({
    vfs,
    directory: DIRECTORY,
    shard: SHARD,
    onDamage: 'stop',
    onRecord: ({ payload, firstSeqno, operationCount, epoch, position }) => {
      records.push({
        firstSeqno,
        operationCount,
        epoch,
        position,
        text: Buffer.from(payload).toString('latin1'),
      });
    },
    ...options,
  });
  return { report, records };
}

export interface TestLog extends Recovered {
  readonly pool: SegmentPool;
  readonly writer: WalWriter;
}

export interface TestLogOptions {
  readonly segmentBytes?: number;
  readonly sparesMax?: number;
  readonly recovery?: Partial<RecoverWalOptions>;
  readonly keepReleasedBytes?: number;
}

/** What a shard does at start-up: clean the directory, recover, open the writer in the next epoch. */
export function openLog(vfs: Vfs, options: TestLogOptions = {}): TestLog {
  const pool = new SegmentPool({
    vfs,
    directory: DIRECTORY,
    segmentBytes: options.segmentBytes ?? SEGMENT_BYTES,
    sparesMax: options.sparesMax ?? 2,
  });
  pool.prepareDirectory();
  const recovered = recover(vfs, options.recovery);
  const { continuation } = recovered.report;
  const epoch = asEpoch(continuation.lastEpoch + 1);
  const { keepReleasedBytes } = options;
  const clock = new ManualClock();
  const writer = new WalWriter({ vfs, pool, clock, shard: SHARD, epoch, continuation, keepReleasedBytes });
  return { ...recovered, pool, writer };
}

/** Unmistakable text of `length` bytes for the record with this seqno. */
export function payloadText(seqno: number, length: number): string {
  const prng = createPrng(seqno * 31 + length);
  let text = `record ${seqno};`;
  while (text.length < length) text += prng.nextUint32().toString(36);
  return text.slice(0, length);
}

export function append(writer: WalWriter, seqno: number, length = 100, operationCount = 1): WalPosition {
  const payload = Buffer.from(payloadText(seqno, length), 'latin1');
  const info = { firstSeqno: asSeqno(seqno), operationCount, wallClockMs: asMillis(1_700_000_000_000) };
  return writer.append(payload, info);
}

/** Appends records `from`..`to` as one group and makes it durable. */
export function commit(writer: WalWriter, from: number, to = from, length = 100): WalPosition[] {
  const positions: WalPosition[] = [];
  for (let seqno = from; seqno <= to; seqno++) positions.push(append(writer, seqno, length));
  writer.write();
  writer.sync();
  return positions;
}

export const seqnosOf = (recovered: Recovered): number[] =>
  recovered.records.map(({ firstSeqno }) => firstSeqno);

export const range = (from: number, to: number): number[] =>
  Array.from({ length: Math.max(0, to - from + 1) }, (_, index) => from + index);

export const pathOfSegment = (number: number): string =>
  `${DIRECTORY}/${String(number).padStart(20, '0')}.wal`;

export const seqno = (value: number): Seqno => asSeqno(value);

/** A file system that holds only these files: for images of a log that a test has doctored. */
export function imageOf(files: ReadonlyMap<string, Uint8Array>): MemoryVfs {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(DIRECTORY);
  for (const [path, bytes] of files) vfs.writeFileAtomic(path, bytes);
  return vfs;
}

export function filesOf(vfs: Vfs): Map<string, Uint8Array> {
  return new Map(
    vfs.list(DIRECTORY).map((name) => [`${DIRECTORY}/${name}`, vfs.readFile(`${DIRECTORY}/${name}`)]),
  );
}

/** Applies `change` to a copy of one file of the log. */
export function doctored(
  vfs: Vfs,
  path: string,
  change: (bytes: Uint8Array) => Uint8Array | undefined,
): MemoryVfs {
  const files = filesOf(vfs);
  const bytes = files.get(path);
  if (bytes === undefined) throw new Error(`no file ${path}`);
  const copy = bytes.slice();
  files.set(path, change(copy) ?? copy);
  return imageOf(files);
}
