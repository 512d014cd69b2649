/** How full the disk is, and what follows from it: pure functions. disk-space-monitor.ts samples and acts. */
import { mebibytes } from './mebibytes.js';

export interface DiskSample {
  readonly freeBytes: number;
  readonly totalBytes: number;
  /** From 0 to 1. What only root may use counts as used: it is not there for this process. */
  readonly usedRatio: number;
}

export function diskSample(freeBytes: number, totalBytes: number): DiskSample {
  const usedRatio = totalBytes > 0 ? Math.min(1, Math.max(0, 1 - freeBytes / totalBytes)) : 0;
  return { freeBytes, totalBytes, usedRatio };
}

/** Percent of the disk in use from which operators should act, highest first; 0 is below all of them. */
export const DISK_LEVELS = [90, 80, 70] as const;
export type DiskLevel = (typeof DISK_LEVELS)[number] | 0;
/** A level is left only this many percent below it: a disk right at it must not fill the log. */
const LEVEL_HYSTERESIS_PERCENT = 1;

export function diskLevel(usedRatio: number, current: DiskLevel): DiskLevel {
  const percent = usedRatio * 100;
  const holds = (level: DiskLevel): boolean =>
    percent >= level - (level <= current ? LEVEL_HYSTERESIS_PERCENT : 0);
  return DISK_LEVELS.find(holds) ?? 0;
}

/** How much more must be free than where writes stopped before they start again. */
export const WRITABLE_AGAIN_FACTOR = 1.25;

/**
 * Whether writes other than deletes must be refused. `limitBytes`: how much must be free. `owedBytes`: free only because
 * the reserve was released; it is there for what frees space, and new documents must not eat it up.
 */
export function isSpaceTooLow(
  freeBytes: number,
  owedBytes: number,
  limitBytes: number,
  isTooLowNow: boolean,
): boolean {
  if (!isTooLowNow) return freeBytes < limitBytes;
  return freeBytes - owedBytes < limitBytes * WRITABLE_AGAIN_FACTOR;
}

const DISK_FULL_MARGIN_BYTES = 16 * 2 ** 20;
/** On a small disk the margin is this share of it: the disk must be able to have that much free again. */
const DISK_FULL_MARGIN_SHARE = 1 / 8;
/** A disk that has this much free and no space for a write has a quota, or another limit that free bytes do not show. */
const NOT_REALLY_FULL_BYTES = 2 ** 30;

/**
 * The limit after a write found no space with `freeBytes` free: more than that, or each retry would find the same. On a
 * disk with much free space the next sample lets writes try again.
 */
export function limitAfterDiskFull(freeBytes: number, readOnlyFreeBytes: number, totalBytes: number): number {
  const margin = Math.min(DISK_FULL_MARGIN_BYTES, totalBytes * DISK_FULL_MARGIN_SHARE);
  return Math.max(readOnlyFreeBytes, Math.min(freeBytes, NOT_REALLY_FULL_BYTES) + margin);
}

/** The reserve is filled while this many times its size is free: it must not itself make the disk full. */
export const RESERVE_FILL_FACTOR = 10;

export type ReserveAction = 'fill' | 'release' | 'keep';

/**
 * The reserve is filled when there is plenty of space, with it and without it. It is the last resort: it goes after
 * writes have stopped, when less is left than half of what it holds.
 */
export function reserveAction(
  freeBytes: number,
  reserveBytes: number,
  readOnlyFreeBytes: number,
  isTooLow: boolean,
): ReserveAction {
  const plenty = Math.max(
    reserveBytes * RESERVE_FILL_FACTOR,
    reserveBytes + readOnlyFreeBytes * WRITABLE_AGAIN_FACTOR,
  );
  if (freeBytes >= plenty && !isTooLow) return 'fill';
  const mayStillStopWrites = readOnlyFreeBytes > 0 && !isTooLow;
  return freeBytes < reserveBytes / 2 && !mayStillStopWrites ? 'release' : 'keep';
}

/** What to do at a level, for the log. `readOnlyFreeBytes` is where writes stop. */
export function levelAdvice(level: DiskLevel, readOnlyFreeBytes: number): string {
  const stop = `writes other than deletes stop below ${mebibytes(readOnlyFreeBytes)} free`;
  switch (level) {
    case 0:
      return 'nothing to do';
    case 70:
      return 'plan for more space: a larger disk, or fewer documents';
    case 80:
      return `enlarge the disk or delete documents soon: ${stop}`;
    case 90:
      return `enlarge the disk, move other files away or delete documents now: ${stop}`;
  }
}
