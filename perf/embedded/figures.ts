/** What a run of one engine gives, and what is compared. */

export interface WriteFigures {
  readonly opsPerSecond: number;
  /** The same, with the time that flushes and compactions took afterwards. */
  readonly settledOpsPerSecond: number;
  /** Bytes written until the background had come to rest, log and all, per byte of keys and values. */
  readonly writeAmplification: number;
  /** Processor time of all threads until then, in microseconds per put: what other work on the machine changes least. */
  readonly cpuUs: number;
}

export interface EngineFigures {
  readonly engine: string;
  readonly description: string;
  readonly sequentialLoad: WriteFigures;
  readonly randomLoad: WriteFigures;
  readonly overwrite: WriteFigures;
  /** Reads per second of a few keys that every cache holds, and of all keys with the files in the page cache. */
  readonly hotReads: number;
  readonly warmReads: number;
  /** Of all keys, right after the files were dropped from the page cache and the store was opened again. */
  readonly coldReads: number;
  readonly coldP50Us: number;
  readonly coldP99Us: number;
  /** Bytes of the files that were still in the page cache when the cold reads began. */
  readonly coldResidentBytes: number | undefined;
  readonly openMs: number;
  /** Entries per second of a second whole scan. */
  readonly scan: number;
  /** After the overwrites, when the background had come to rest; and after a full compaction, if there is one. */
  readonly diskBytes: number;
  readonly compactedDiskBytes: number | undefined;
  /** Bytes on disk per byte of live keys and values. Below 1 where values are compressed. */
  readonly spaceAmplification: number;
  readonly compactedSpaceAmplification: number | undefined;
  readonly rssMiBMax: number;
  readonly compaction: string | undefined;
}

export interface Comparison {
  readonly title: string;
  readonly of: (figures: EngineFigures) => number | undefined;
  readonly digits: number;
  /** Whether more is better. */
  readonly isRate: boolean;
}

const rate = (title: string, of: Comparison['of']): Comparison => ({ title, of, digits: 0, isRate: true });
const cost = (title: string, digits: number, of: Comparison['of']): Comparison => ({
  title,
  of,
  digits,
  isRate: false,
});
const MIB = 2 ** 20;

/** The rows of the table, and what ratios are taken of. */
export const COMPARISONS: readonly Comparison[] = [
  rate('sequential load, puts/s', (f) => f.sequentialLoad.opsPerSecond),
  rate('  until settled, puts/s', (f) => f.sequentialLoad.settledOpsPerSecond),
  cost('  write amplification', 2, (f) => f.sequentialLoad.writeAmplification),
  cost('  CPU, µs per put', 2, (f) => f.sequentialLoad.cpuUs),
  rate('random load, puts/s', (f) => f.randomLoad.opsPerSecond),
  rate('  until settled, puts/s', (f) => f.randomLoad.settledOpsPerSecond),
  cost('  write amplification', 2, (f) => f.randomLoad.writeAmplification),
  cost('  CPU, µs per put', 2, (f) => f.randomLoad.cpuUs),
  rate('random overwrite, puts/s', (f) => f.overwrite.opsPerSecond),
  rate('  until settled, puts/s', (f) => f.overwrite.settledOpsPerSecond),
  cost('  write amplification', 2, (f) => f.overwrite.writeAmplification),
  cost('  CPU, µs per put', 2, (f) => f.overwrite.cpuUs),
  rate('random read, hot, gets/s', (f) => f.hotReads),
  rate('random read, all keys, gets/s', (f) => f.warmReads),
  rate('random read, cold, gets/s', (f) => f.coldReads),
  cost('  p50, µs', 0, (f) => f.coldP50Us),
  cost('  p99, µs', 0, (f) => f.coldP99Us),
  cost('open, ms', 0, (f) => f.openMs),
  rate('full scan, entries/s', (f) => f.scan),
  cost('disk after overwrites, MiB', 1, (f) => f.diskBytes / MIB),
  cost('  space amplification', 2, (f) => f.spaceAmplification),
  cost('disk after full compaction, MiB', 1, (f) => optional(f.compactedDiskBytes, MIB)),
  cost('  space amplification', 2, (f) => f.compactedSpaceAmplification),
  cost('largest RSS, MiB', 0, (f) => f.rssMiBMax),
];

function optional(value: number | undefined, unit: number): number | undefined {
  return value === undefined ? undefined : value / unit;
}
