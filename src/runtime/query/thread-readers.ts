/** The shards as one query thread reads them: opened when a task brings a new incarnation, kept between tasks. */
import type { DatabaseClock } from '../../base/database-clock.js';
import { ShardReader } from '../../engine/shard-reader.js';
import { TableCache } from '../../engine/table-cache.js';
import { VersionSubscriber } from '../../manifest/version-subscriber.js';
import { ChainReader } from '../../memtable/chain-reader.js';
import { RealVfs } from '../../vfs/real.js';
import type { ShardReadBuffers } from '../shard-read-buffers.js';
import type { CountingBlockCache } from './counting-block-cache.js';

/** A shard's shared memory; the same number means the same memory. */
export interface ShardAttachment {
  readonly incarnation: number;
  readonly buffers: ShardReadBuffers;
}

export interface ThreadReadersOptions {
  readonly readerIndex: number;
  /** By shard. */
  readonly tableDirectories: readonly string[];
  readonly blocks: CountingBlockCache;
  readonly clock: DatabaseClock;
  readonly recoveryMode: boolean;
}

export class ThreadReaders {
  readonly readers: Array<ShardReader | undefined>;
  private readonly incarnations: number[];
  private readonly vfs = new RealVfs();

  constructor(private readonly options: ThreadReadersOptions) {
    const shards = options.tableDirectories.length;
    this.readers = new Array(shards).fill(undefined);
    this.incarnations = new Array(shards).fill(-1);
  }

  /** `shards[i]` undefined: the shard is down. */
  attach(shards: ReadonlyArray<ShardAttachment | undefined>): void {
    for (const [shard, attachment] of shards.entries()) {
      if (attachment?.incarnation === this.incarnations[shard]) continue;
      this.readers[shard]?.close();
      this.readers[shard] = attachment === undefined ? undefined : this.open(shard, attachment.buffers);
      this.incarnations[shard] = attachment?.incarnation ?? -1;
    }
    // Between tasks a thread holds no table that its shard has given up.
    for (const reader of this.readers) reader?.refresh();
  }

  private open(shard: number, { memtables, versions }: ShardReadBuffers): ShardReader {
    const { readerIndex, tableDirectories, blocks, clock, recoveryMode } = this.options;
    return new ShardReader({
      chain: new ChainReader(memtables, readerIndex, clock),
      versions: new VersionSubscriber(versions),
      tables: new TableCache({
        vfs: this.vfs,
        directory: tableDirectories[shard],
        shard,
        cache: blocks,
      }),
      clock,
      thorough: recoveryMode,
    });
  }
}
