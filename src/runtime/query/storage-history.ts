/**
 * Samples of how large the database is and how much is written, for system.storage_stats: every five minutes, kept for thirty
 * days, also across restarts. Main thread only.
 *
 * File `storage-stats.ndjson` in the data directory: one JSON object per line, oldest first, appended to by rewriting the file
 * as a whole (atomically): 30 days are about 2 MiB. A line that cannot be read is left out and said so.
 */
import type { SystemRow } from '../../admin/query-history.js';
import type { Clock } from '../../base/clock.js';
import { Timestamp } from '../../sql/types/values.js';
import type { Vfs } from '../../vfs/vfs.js';
import type { RepeatingTimer } from '../repeating-timer.js';

const SAMPLE_INTERVAL_MS = 5 * 60_000;
const KEPT_MS = 30 * 24 * 3_600_000;
const FILE_NAME = 'storage-stats.ndjson';

/** Figures of the whole database at one moment. */
export interface StorageSample {
  readonly timestampMs: number;
  /** Bytes written to logs and tables since the sample before. */
  readonly bytes_written: number;
  readonly documents: number;
  readonly data_size_bytes: number;
  readonly table_bytes: number;
  readonly wal_bytes: number;
  readonly memtable_bytes: number;
  readonly disk_free_bytes: number;
}

/** What is measured: totals, of which the history makes differences. */
export type StorageReading = Omit<StorageSample, 'timestampMs' | 'bytes_written'> & {
  /** Since the server started. */
  readonly bytesWrittenTotal: number;
};

export interface StorageHistoryOptions {
  readonly vfs: Pick<Vfs, 'exists' | 'readFile' | 'writeFileAtomic'>;
  readonly dataDirectory: string;
  readonly clock: Clock;
  readonly timer: RepeatingTimer;
  readonly read: () => Promise<StorageReading>;
  /** Whether the file may be written. */
  readonly isWritable: () => boolean;
  readonly warn: (message: string) => void;
}

export class StorageHistory {
  private samples: StorageSample[] = [];
  private bytesBefore = 0;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: StorageHistoryOptions) {}

  /** Loads what earlier runs have left, and samples from now on. */
  start(): void {
    this.samples = this.load();
    const sample = (): void => {
      this.sample().catch((error: unknown) => this.options.warn(`no storage sample: ${String(error)}`));
    };
    this.stopTimer ??= this.options.timer(SAMPLE_INTERVAL_MS, sample);
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
  }

  async sample(): Promise<void> {
    const { sample, bytesWrittenTotal } = await this.now();
    this.bytesBefore = bytesWrittenTotal;
    this.samples.push(sample);
    this.samples = this.samples.filter((each) => each.timestampMs > sample.timestampMs - KEPT_MS);
    this.save();
  }

  /** All samples, and how it is now. */
  async rows(): Promise<SystemRow[]> {
    const { sample } = await this.now();
    return [...this.samples, sample].map(({ timestampMs, ...figures }) => ({
      timestamp: new Timestamp(timestampMs * 1000, true),
      ...figures,
    }));
  }

  private async now(): Promise<{ readonly sample: StorageSample; readonly bytesWrittenTotal: number }> {
    const { bytesWrittenTotal, ...figures } = await this.options.read();
    const sample = {
      timestampMs: this.options.clock.wallMs(),
      bytes_written: Math.max(0, bytesWrittenTotal - this.bytesBefore),
      ...figures,
    };
    return { sample, bytesWrittenTotal };
  }

  private get path(): string {
    return `${this.options.dataDirectory}/${FILE_NAME}`;
  }

  private save(): void {
    const { vfs, isWritable } = this.options;
    if (!isWritable()) return;
    const text = this.samples.map((sample) => `${JSON.stringify(sample)}\n`).join('');
    vfs.writeFileAtomic(this.path, new TextEncoder().encode(text));
  }

  private load(): StorageSample[] {
    const { vfs, warn } = this.options;
    try {
      if (!vfs.exists(this.path)) return [];
      const lines = new TextDecoder().decode(vfs.readFile(this.path)).split('\n').filter(Boolean);
      const samples = lines.flatMap((line) => sampleOf(line) ?? []);
      if (samples.length < lines.length)
        warn(`${FILE_NAME}: ${lines.length - samples.length} lines cannot be read and are left out`);
      return samples;
    } catch (error) {
      warn(`${FILE_NAME} cannot be read, system.storage_stats begins anew: ${String(error)}`);
      return [];
    }
  }
}

const FIGURES = [
  'timestampMs',
  'bytes_written',
  'documents',
  'data_size_bytes',
  'table_bytes',
  'wal_bytes',
  'memtable_bytes',
  'disk_free_bytes',
] as const;

function sampleOf(line: string): StorageSample | undefined {
  try {
    const value = JSON.parse(line) as Record<string, unknown>;
    return FIGURES.every((name) => Number.isFinite(value[name]))
      ? (value as unknown as StorageSample) // has every member
      : undefined;
  } catch {
    return undefined;
  }
}
