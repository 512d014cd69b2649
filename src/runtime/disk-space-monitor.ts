/**
 * Watches the file system of the data directory. Samples its free space at an interval, logs each change of level once,
 * stops writes other than deletes before there is no space left, and holds or releases the reserve. Main thread only.
 *
 * A fast writer can fill a disk between two samples: whoever meets ENOSPC says so with onDiskFull(), and what the next
 * sample would have decided is decided at once.
 */
import type { Vfs } from '../vfs/vfs.js';
import {
  type DiskLevel,
  type DiskSample,
  diskLevel,
  diskSample,
  isSpaceTooLow,
  levelAdvice,
  limitAfterDiskFull,
  reserveAction,
  WRITABLE_AGAIN_FACTOR,
} from './disk-space.js';
import { mebibytes } from './mebibytes.js';
import type { RepeatingTimer } from './repeating-timer.js';
import type { ReserveFile } from './reserve-file.js';

export type SpaceLog = (
  level: 'info' | 'warn' | 'error',
  message: string,
  fields: Record<string, unknown>,
) => void;

export interface DiskSpaceMonitorOptions {
  readonly vfs: Pick<Vfs, 'freeBytes' | 'totalBytes'>;
  readonly dataDirectory: string;
  readonly intervalMs: number;
  /** As configured now; 0: only a write that finds no space stops writes. */
  readonly readOnlyFreeBytes: () => number;
  readonly reserve: ReserveFile;
  readonly timer: RepeatingTimer;
  readonly log: SpaceLog;
  /** Called when it changes: why writes other than deletes must be refused, or undefined when they need not be. */
  readonly onReadOnly: (reason: string | undefined) => void;
}

export class DiskSpaceMonitor {
  private latest: DiskSample | undefined;
  private currentLevel: DiskLevel = 0;
  private isTooLow = false;
  /** Set after a write found no space: more must be free then than is configured. */
  private raisedLimitBytes: number | undefined;
  private isFailing = false;
  private stopTimer: (() => void) | undefined;

  constructor(private readonly options: DiskSpaceMonitorOptions) {}

  /** What must be free. */
  private get limitBytes(): number {
    return this.raisedLimitBytes ?? this.options.readOnlyFreeBytes();
  }

  /** The last sample; undefined while none could be taken. */
  get sample(): DiskSample | undefined {
    return this.latest;
  }

  get level(): DiskLevel {
    return this.currentLevel;
  }

  /** Looks at once, then at the interval. */
  start(): void {
    this.check();
    this.stopTimer = this.options.timer(this.options.intervalMs, () => this.check());
  }

  close(): void {
    this.stopTimer?.();
    this.stopTimer = undefined;
    this.options.reserve.close();
  }

  /** A write found no space, whatever the file system says about it. Cheap to call again and again. */
  onDiskFull(): void {
    const { reserve } = this.options;
    const readOnlyFreeBytes = this.options.readOnlyFreeBytes();
    if (this.isTooLow && reserve.heldBytes === 0) return;
    const sample = this.takeSample();
    const freeBytes = sample?.freeBytes ?? 0;
    if (!this.isTooLow) {
      this.raisedLimitBytes = limitAfterDiskFull(freeBytes, readOnlyFreeBytes, sample?.totalBytes ?? 0);
      this.setTooLow(true, 'a write found no space on the disk');
    }
    // Where a quota refuses writes on a disk with much free space, the reserve would be given up for nothing.
    if (freeBytes < Math.max(readOnlyFreeBytes, reserve.sizeBytes)) this.releaseReserve();
  }

  private check(): void {
    const sample = this.takeSample();
    if (sample === undefined) return;
    this.reportLevel(sample);
    const { reserve } = this.options;
    const readOnlyFreeBytes = this.options.readOnlyFreeBytes();
    const { freeBytes } = sample;
    const isTooLow = isSpaceTooLow(freeBytes, reserve.owedBytes, this.limitBytes, this.isTooLow);
    if (isTooLow !== this.isTooLow) {
      const limit = `less than ${mebibytes(readOnlyFreeBytes)} (storage.read_only_free_bytes)`;
      this.setTooLow(isTooLow, `${mebibytes(freeBytes)} of disk space are free, ${limit}`);
    }
    const action = reserveAction(freeBytes, reserve.sizeBytes, readOnlyFreeBytes, this.isTooLow);
    if (action === 'fill') reserve.fill();
    else if (action === 'release') this.releaseReserve();
  }

  private takeSample(): DiskSample | undefined {
    const { vfs, dataDirectory, log } = this.options;
    try {
      this.latest = diskSample(vfs.freeBytes(dataDirectory), vfs.totalBytes(dataDirectory));
      this.isFailing = false;
      return this.latest;
    } catch (error) {
      // The figures stay what they were; once is enough to say so.
      if (!this.isFailing) log('error', `cannot tell how full the disk is: ${(error as Error).message}`, {});
      this.isFailing = true;
      return undefined;
    }
  }

  private reportLevel(sample: DiskSample): void {
    const level = diskLevel(sample.usedRatio, this.currentLevel);
    if (level === this.currentLevel) return;
    const isRising = level > this.currentLevel;
    const severity = !isRising ? 'info' : level === 90 ? 'error' : 'warn';
    const message = isRising ? `disk is over ${level} % full` : `disk is below ${this.currentLevel} % again`;
    this.currentLevel = level;
    const advice = levelAdvice(level, this.options.readOnlyFreeBytes());
    this.options.log(severity, `${message}: ${advice}`, figures(sample));
  }

  private setTooLow(isTooLow: boolean, reason: string): void {
    this.isTooLow = isTooLow;
    const { log, onReadOnly } = this.options;
    onReadOnly(isTooLow ? reason : undefined);
    if (isTooLow) {
      const enough = mebibytes(this.limitBytes * WRITABLE_AGAIN_FACTOR);
      const again = `writes go on by themselves once ${enough} are free`;
      log('error', `writes other than deletes are refused: ${reason}; ${again}`, figures(this.latest));
    } else {
      this.raisedLimitBytes = undefined;
      log('info', 'writes are taken again: there is space on the disk', figures(this.latest));
    }
  }

  private releaseReserve(): void {
    const { reserve, log } = this.options;
    try {
      const freed = reserve.release();
      if (freed > 0)
        log('warn', 'released the reserve, so that deletes and compaction can go on', { bytes: freed });
    } catch (error) {
      log('error', `cannot release the reserve: ${(error as Error).message}`, {});
    }
  }
}

function figures(sample: DiskSample | undefined): Record<string, unknown> {
  if (sample === undefined) return {};
  const used_percent = Math.round(sample.usedRatio * 1000) / 10;
  return { used_percent, free_bytes: sample.freeBytes, total_bytes: sample.totalBytes };
}
