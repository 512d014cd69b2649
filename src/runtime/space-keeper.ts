/**
 * Read-only mode and disk space of one server: the state, the monitor and the reserve, joined. Main thread only.
 * The server hands the block to its threads, forwards what operators ask, and shows the facts.
 */
import type { SpaceFacts } from '../admin/space-report.js';
import type { Clock } from '../base/clock.js';
import type { DbError } from '../base/errors.js';
import type { Config } from '../config/schema.js';
import { json } from '../front/control-answer.js';
import type { ControlAnswer, ReadOnlyRequest } from '../front/control-plane.js';
import type { Vfs } from '../vfs/vfs.js';
import { DiskSpaceMonitor, type SpaceLog } from './disk-space-monitor.js';
import { READ_ONLY_CAUSES, ReadOnlyState } from './read-only-state.js';
import type { RepeatingTimer } from './repeating-timer.js';
import { ReserveFile } from './reserve-file.js';

export interface SpaceKeeperOptions {
  readonly storage: Pick<
    Config['storage'],
    'reserve_size' | 'read_only_free_bytes' | 'disk_check_interval_ms'
  >;
  readonly dataDirectory: string;
  readonly vfs: Vfs;
  readonly clock: Clock;
  readonly timer: RepeatingTimer;
  readonly log: SpaceLog;
}

export class SpaceKeeper {
  readonly readOnly: ReadOnlyState;
  private readonly reserve: ReserveFile;
  private readonly monitor: DiskSpaceMonitor;

  constructor(private readonly options: SpaceKeeperOptions) {
    const { storage, dataDirectory, vfs, clock, timer, log } = options;
    this.readOnly = new ReadOnlyState({ vfs, dataDirectory, clock });
    this.reserve = new ReserveFile({
      vfs,
      dataDirectory,
      sizeBytes: storage.reserve_size,
      timer,
      onFailed: (error) => log('warn', `cannot hold a reserve: ${(error as Error).message}`, {}),
    });
    this.monitor = new DiskSpaceMonitor({
      vfs,
      dataDirectory,
      intervalMs: storage.disk_check_interval_ms,
      readOnlyFreeBytes: () => storage.read_only_free_bytes,
      reserve: this.reserve,
      timer,
      log,
      onReadOnly: (reason) => this.readOnly.set('disk', reason),
    });
  }

  /** Says what holds from an earlier run, and looks at the disk for the first time. */
  start(): void {
    const report = this.readOnly.report();
    if (report !== false) {
      this.options.log('warn', `the database is read-only: ${report.reason}`, {
        by: report.by,
        since: report.since,
      });
    }
    this.monitor.start();
  }

  close(): void {
    this.monitor.close();
  }

  /** A shard met ENOSPC: see DiskSpaceMonitor.onDiskFull(). */
  onDiskFull(): void {
    this.monitor.onDiskFull();
  }

  facts(): SpaceFacts {
    return {
      readOnly: this.readOnly.report(),
      readOnlyCauses: READ_ONLY_CAUSES.map((cause) => ({ cause, holds: this.readOnly.isHeldBy(cause) })),
      disk: this.monitor.sample,
      reserve: { status: this.reserve.status, heldBytes: this.reserve.heldBytes },
    };
  }

  /** The answer of GET /admin/read-only. */
  report(): ControlAnswer {
    return json(200, { read_only: this.readOnly.report() });
  }

  /**
   * What POST /admin/read-only asks for. After its return every thread sees the change. `persisted` is false when it
   * could not be written down and would not outlive a restart. Throws DbError('IO') when read-only mode cannot be ended.
   */
  setReadOnly({ enabled, reason }: ReadOnlyRequest): ControlAnswer {
    const before = this.readOnly.report();
    let notPersisted: DbError | undefined;
    if (enabled) notPersisted = this.readOnly.enable(reason);
    else this.readOnly.disable();
    const after = this.readOnly.report();
    this.options.log('warn', `read-only mode ${enabled ? 'enabled' : 'disabled'} by an operator`, {
      before,
      after,
    });
    const body: Record<string, unknown> = { read_only: after, persisted: notPersisted === undefined };
    if (notPersisted !== undefined) {
      body['warning'] = `read-only mode holds, but would not outlive a restart: ${notPersisted.message}`;
    }
    return json(200, body);
  }
}
