/**
 * Keeps database time (base/database-clock.ts) from going backwards over restarts: remembers in the data directory how
 * far it has come. Main thread only. One per process; the base it makes is handed to every thread.
 *
 * File `clock.json` in the data directory, replaced atomically at the start, once a minute and at a stop:
 *   {"format_version":1,"database_seconds":1790000000}
 * After a kill the next run may start up to a minute before the point this one had reached, and only if the wall
 * clock was set back meanwhile. The file holds nothing else, so one that cannot be read is moved aside and the wall
 * clock is believed; failing to write it costs the protection, not the service.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../base/clock.js';
import {
  type DatabaseClock,
  type DatabaseTimeBase,
  databaseClock,
  startDatabaseTime,
} from '../base/database-clock.js';
import type { Vfs } from '../vfs/vfs.js';

const FILE_NAME = 'clock.json';
const DAMAGED_SUFFIX = '.damaged';
const FORMAT_VERSION = 1;
const SAVE_INTERVAL_MS = 60_000;
/** Seconds that database time may be ahead of the wall clock at a start without a word about it. */
const AHEAD_SECONDS_MAX = 60;
const SECONDS_MAX = 0xffff_ffff;

const clockFile = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  database_seconds: z.int().min(0).max(SECONDS_MAX),
});

export interface DatabaseTimeKeeperOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly clock: Clock;
  warn(fields: Record<string, unknown>, message: string): void;
  /** For tests: what database time follows instead of the process's monotonic clock. */
  readonly monotonicMs?: () => number;
}

/** Makes sure that a database which nobody has open does not start before this time. Leaves a later one, and one it cannot read. */
export function raiseDatabaseTime(vfs: Vfs, dataDirectory: string, seconds: number): void {
  const path = join(dataDirectory, FILE_NAME);
  try {
    if (vfs.exists(path) && decodeClock(vfs.readFile(path)) >= seconds) return;
  } catch {
    // What a start does with it is told there.
    return;
  }
  vfs.writeFileAtomic(path, encodeClock(seconds));
}

function encodeClock(seconds: number): Uint8Array {
  const database_seconds = Math.min(seconds, SECONDS_MAX);
  const file: z.infer<typeof clockFile> = { format_version: FORMAT_VERSION, database_seconds };
  return new TextEncoder().encode(`${JSON.stringify(file)}\n`);
}

function decodeClock(bytes: Uint8Array): number {
  const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  return clockFile.parse(JSON.parse(text)).database_seconds;
}

export class DatabaseTimeKeeper {
  readonly base: DatabaseTimeBase;
  readonly time: DatabaseClock;
  private readonly path: string;
  private timer: NodeJS.Timeout | undefined;
  private hasWarned = false;

  /** Reads the file and decides the time base; writes nothing yet. */
  constructor(private readonly options: DatabaseTimeKeeperOptions) {
    const { clock, dataDirectory, monotonicMs } = options;
    this.path = join(dataDirectory, FILE_NAME);
    const floorSeconds = this.readFloor();
    const wallMs = clock.wallMs();
    this.base = startDatabaseTime(wallMs, floorSeconds, monotonicMs);
    this.time = databaseClock(this.base, monotonicMs);
    const aheadSeconds = Math.round(floorSeconds - wallMs / 1000);
    if (aheadSeconds > AHEAD_SECONDS_MAX) {
      const message = 'the wall clock is behind the last run: documents expire by the later of the two';
      options.warn({ ahead_seconds: aheadSeconds, file: this.path }, message);
    }
  }

  /** Remembers the time from now on. */
  start(): void {
    this.save();
    this.timer = setInterval(() => this.save(), SAVE_INTERVAL_MS);
    this.timer.unref();
  }

  /** Remembers the time for the last time. Idempotent; does nothing unless started. */
  stop(): void {
    if (this.timer === undefined) return;
    clearInterval(this.timer);
    this.timer = undefined;
    this.save();
  }

  private save(): void {
    try {
      this.options.vfs.writeFileAtomic(this.path, encodeClock(this.time.nowSeconds()));
    } catch (error) {
      if (this.hasWarned) return;
      this.hasWarned = true;
      const message = 'database time could not be remembered; said once';
      this.options.warn({ file: this.path, error: (error as Error).message }, message);
    }
  }

  /** 0 when there is no file, or none that can be read. */
  private readFloor(): number {
    const { vfs, warn } = this.options;
    if (!vfs.exists(this.path)) return 0;
    try {
      return decodeClock(vfs.readFile(this.path));
    } catch (error) {
      const aside = this.path + DAMAGED_SUFFIX;
      warn(
        { file: this.path, moved_to: aside, error: (error as Error).message },
        'clock.json cannot be read: starting with the wall clock',
      );
      this.moveAside(aside);
      return 0;
    }
  }

  private moveAside(aside: string): void {
    try {
      this.options.vfs.rename(this.path, aside);
    } catch (error) {
      this.options.warn(
        { file: this.path, error: (error as Error).message },
        'clock.json cannot be moved aside',
      );
    }
  }
}
