/** What a running server does for backups: checkpoints, and the stream of its log if one is configured. Main thread only. */
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import type { BackupFacts } from '../admin/backup-metrics.js';
import type { Clock } from '../base/clock.js';
import type { CatalogStore } from '../catalog/catalog.js';
import type { Config } from '../config/schema.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import { RealVfs } from '../vfs/real.js';
import type { RetainedOperations } from '../wal/writer.js';
import { BACKUP_JOBS, BackupHistory, type BackupRun } from './backup-schedule/history.js';
import { BackupScheduler } from './backup-schedule/scheduler.js';
import { CheckpointKeeper } from './checkpoint-keeper.js';
import { s3Options } from './s3-options.js';
import type { ShardSlot } from './shard-slot.js';
import { WalStreamKeeper } from './wal-stream/keeper.js';

export interface BackupControlOptions {
  readonly config: Config;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly instanceId: string;
  readonly version: string;
  readonly shardCount: number;
  /** Known once there are threads. */
  readonly supervisor: () => { readonly shards: readonly ShardSlot[]; readonly seqnos: SharedArrayBuffer };
  /** catalog.json as it would be written now. */
  readonly catalog: () => Uint8Array;
  /** catalog.json as it is in its file. */
  readonly storedCatalog: () => Uint8Array | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Throws the DbError for which nothing can be done now. */
  readonly requireServing: () => void;
}

export class BackupControl {
  readonly checkpoints: CheckpointKeeper;
  private readonly stream: WalStreamKeeper | undefined;
  private readonly history: BackupHistory;
  private readonly scheduler: BackupScheduler;

  constructor(options: BackupControlOptions) {
    const shards = () => options.supervisor().shards;
    const seqnos = () => new SeqnoBoard(options.supervisor().seqnos);
    this.checkpoints = new CheckpointKeeper({ ...options, shards, seqnos });
    const { config, dataDirectory, logger, clock } = options;
    this.history = new BackupHistory(new RealVfs(), dataDirectory, (message) => logger.warn(message));
    this.scheduler = new BackupScheduler({ config, dataDirectory, history: this.history, clock, logger });
    const { destination, interval, lag_max } = config['backup.wal_stream'];
    if (destination === '') return;
    this.stream = new WalStreamKeeper({
      ...options,
      destination: destination.includes('://') ? destination : resolve(destination),
      s3: s3Options(config),
      compression: config.backup.compression,
      keyFile: config.backup.encrypt_key_file,
      vfs: new RealVfs(),
      catalog: options.storedCatalog,
      intervalMs: interval,
      lagBytesMax: lag_max,
      shards,
      seqnos,
    });
  }

  /** What a shard must keep of its log for the stream. */
  retained(shard: number): RetainedOperations | undefined {
    return this.stream?.retained(shard);
  }

  /** `store`, with each change noted for the stream before it is made. */
  notedCatalog(store: CatalogStore): CatalogStore {
    const { stream } = this;
    if (stream === undefined) return store;
    return {
      read: () => store.read(),
      write: (bytes) => {
        stream.noteCatalog(Buffer.from(bytes).toString());
        store.write(bytes);
      },
    };
  }

  /** What metrics say. */
  facts(): BackupFacts {
    const { history } = this;
    const { lastVerifiedMs } = history;
    return {
      lastSuccess: BACKUP_JOBS.flatMap((type) => {
        const atMs = history.lastSuccessMs(type);
        return atMs === undefined || type === 'prune' ? [] : [{ type, seconds: atMs / 1000 }];
      }),
      lastVerifiedSeconds: lastVerifiedMs === undefined ? undefined : lastVerifiedMs / 1000,
      runs: [...history.counts].map(([key, count]) => {
        const [job, outcome] = key.split(' ');
        return { job, outcome, count };
      }),
      isRunning: this.scheduler.isRunning,
      checkpoints: this.checkpoints.list().length,
      stream: this.stream?.facts(),
    };
  }

  /** What operators are shown. */
  report(): Record<string, unknown> {
    const { history } = this;
    const stream = this.stream?.facts();
    return {
      last_success: Object.fromEntries(BACKUP_JOBS.map((job) => [job, asTime(history.lastSuccessMs(job))])),
      last_verified_at: asTime(history.lastVerifiedMs),
      schedule: this.scheduler.report(),
      wal_stream:
        stream === undefined
          ? null
          : { seqno: stream.seqno, lag_seconds: stream.lagSeconds, gaps: stream.gaps, error: stream.error },
      runs: history.runs,
    };
  }

  /** A backup that somebody else has made or checked. */
  note(run: BackupRun): Record<string, unknown> {
    this.history.add(run);
    return { noted: true };
  }

  /** Before anybody can ask for something: what an earlier run left goes. */
  prepare(): void {
    this.checkpoints.start();
  }

  /** Once the shards serve. */
  start(): void {
    this.stream?.start();
    this.scheduler.start();
  }

  /** While the shards still serve: the stream takes along what was written last. */
  async close(): Promise<void> {
    await this.scheduler.close();
    await this.stream?.close();
    this.checkpoints.close();
  }
}

const asTime = (ms: number | undefined): string | null =>
  ms === undefined ? null : new Date(ms).toISOString();
