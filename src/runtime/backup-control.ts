/** What a running server does for backups: checkpoints, and the stream of its log if one is configured. Main thread only. */
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.js';
import type { CatalogStore } from '../catalog/catalog.js';
import type { Config } from '../config/schema.js';
import { SeqnoBoard } from '../shm/seqno-board.js';
import { RealVfs } from '../vfs/real.js';
import type { RetainedOperations } from '../wal/writer.js';
import { CheckpointKeeper } from './checkpoint-keeper.js';
import { s3Options } from './s3-options.js';
import type { ShardSlot } from './shard-slot.js';
import { type WalStreamFacts, WalStreamKeeper } from './wal-stream/keeper.js';

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

  constructor(options: BackupControlOptions) {
    const shards = () => options.supervisor().shards;
    const seqnos = () => new SeqnoBoard(options.supervisor().seqnos);
    this.checkpoints = new CheckpointKeeper({ ...options, shards, seqnos });
    const { config } = options;
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

  /** Undefined when no stream is configured. */
  streamFacts(): WalStreamFacts | undefined {
    return this.stream?.facts();
  }

  /** Once the shards serve. */
  start(): void {
    this.checkpoints.start();
    this.stream?.start();
  }

  /** While the shards still serve: the stream takes along what was written last. */
  async close(): Promise<void> {
    await this.stream?.close();
    this.checkpoints.close();
  }
}
