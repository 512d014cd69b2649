/**
 * Why this database takes no writes, or only deletes: the causes that hold now, the strongest of which is published to
 * all threads. Main thread only. An operator's cause outlives restarts in `<data>/read-only.json`; the others are found
 * again at the next start if they still hold.
 *
 * File: {"format_version":1,"reason":"…","since":"2025-01-01T00:00:00.000Z"}. It exists exactly while an operator wants
 * the database read-only. One that cannot be read counts as that wish: a database that was to stay as it is must not
 * take writes because of a damaged file.
 */

import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import {
  createReadOnlyBlock,
  READ_ONLY_ALL,
  READ_ONLY_DISK,
  READ_ONLY_OFF,
} from '../shm/read-only-format.js';
import { ReadOnlyWriter } from '../shm/read-only-writer.js';
import { parentOf } from '../vfs/transfer.js';
import type { Vfs } from '../vfs/vfs.js';

export const READ_ONLY_FILE = 'read-only.json';
const FORMAT_VERSION = 1;
const REASON_DEFAULT = 'an operator has enabled read-only mode';

/** Strongest first. `disk` leaves deletes allowed, the others allow nothing. */
export const READ_ONLY_CAUSES = ['operator', 'recovery', 'disk'] as const;
export type ReadOnlyCause = (typeof READ_ONLY_CAUSES)[number];

export interface ReadOnlyReport {
  readonly enabled: true;
  readonly reason: string;
  /** ISO 8601, wall clock. */
  readonly since: string;
  readonly by: ReadOnlyCause;
}

interface Held {
  readonly reason: string;
  readonly since: string;
}

export interface ReadOnlyStateOptions {
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly clock: Clock;
}

export class ReadOnlyState {
  /** For the threads: see shm/read-only-format.ts. */
  readonly block = createReadOnlyBlock();
  private readonly writer = new ReadOnlyWriter(this.block);
  private readonly held = new Map<ReadOnlyCause, Held>();
  private readonly path: string;

  /** Reads what an operator has said in an earlier run. */
  constructor(private readonly options: ReadOnlyStateOptions) {
    this.path = `${options.dataDirectory}/${READ_ONLY_FILE}`;
    const stored = this.load();
    if (stored !== undefined) this.hold('operator', stored);
  }

  /** The strongest cause, as /status shows it; false while all writes are taken. */
  report(): ReadOnlyReport | false {
    for (const by of READ_ONLY_CAUSES) {
      const held = this.held.get(by);
      if (held !== undefined) return { enabled: true, ...held, by };
    }
    return false;
  }

  isHeldBy(cause: ReadOnlyCause): boolean {
    return this.held.has(cause);
  }

  /** Sets a cause that the server finds by itself, or with undefined takes it back. */
  set(cause: 'disk' | 'recovery', reason: string | undefined): void {
    if (reason === undefined) this.release(cause);
    else this.hold(cause, { reason, since: this.held.get(cause)?.since ?? this.now() });
  }

  /**
   * An operator wants no writes. Holds from now on, also when it cannot be written down: a full disk is when it is
   * needed. Returns why it would not outlive a restart, or undefined.
   */
  enable(reason: string = REASON_DEFAULT): DbError | undefined {
    const held: Held = { reason, since: this.held.get('operator')?.since ?? this.now() };
    this.hold('operator', held);
    try {
      const text = JSON.stringify({ format_version: FORMAT_VERSION, ...held });
      this.options.vfs.writeFileAtomic(this.path, new TextEncoder().encode(`${text}\n`));
      return undefined;
    } catch (error) {
      if (error instanceof DbError) return error;
      throw error;
    }
  }

  /** Takes back what an operator wanted. Throws DbError('IO') when the file stays; then the state stays as well. */
  disable(): void {
    const { vfs } = this.options;
    if (vfs.exists(this.path)) {
      vfs.unlink(this.path);
      vfs.syncDirectory(parentOf(this.path));
    }
    this.release('operator');
  }

  /** Throws DbError('READ_ONLY') when collections must not be changed in this way now. */
  requireCatalogChange(change: 'create' | 'change' | 'drop'): void {
    const report = this.report();
    // Dropping a collection is a delete: it is what an operator may do about a full disk.
    if (report === false || (report.by === 'disk' && change === 'drop')) return;
    throw new DbError(
      'READ_ONLY',
      `cannot ${change} a collection, the database is read-only: ${report.reason}`,
    );
  }

  private hold(cause: ReadOnlyCause, held: Held): void {
    this.held.set(cause, held);
    this.publish();
  }

  private release(cause: ReadOnlyCause): void {
    if (this.held.delete(cause)) this.publish();
  }

  private publish(): void {
    const report = this.report();
    if (report === false) this.writer.publish(READ_ONLY_OFF, '');
    else this.writer.publish(report.by === 'disk' ? READ_ONLY_DISK : READ_ONLY_ALL, report.reason);
  }

  private now(): string {
    return new Date(this.options.clock.wallMs()).toISOString();
  }

  private load(): Held | undefined {
    const { vfs } = this.options;
    if (!vfs.exists(this.path)) return undefined;
    try {
      return checkStored(JSON.parse(new TextDecoder().decode(vfs.readFile(this.path))));
    } catch (error) {
      const reason = `${READ_ONLY_FILE} cannot be read (${(error as Error).message}); an operator must decide anew`;
      return { reason, since: this.now() };
    }
  }
}

function checkStored(value: unknown): Held {
  if (typeof value !== 'object' || value === null) throw new Error('not a JSON object');
  const { format_version, reason, since } = value as Record<string, unknown>;
  if (format_version !== FORMAT_VERSION) throw new Error(`format_version is not ${FORMAT_VERSION}`);
  if (typeof reason !== 'string' || reason === '') throw new Error('reason is missing');
  if (typeof since !== 'string') throw new Error('since is missing');
  return { reason, since };
}
