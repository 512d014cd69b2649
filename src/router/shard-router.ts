/** Routes keys to shards: which shard a hash belongs to, and the front's two ways into it. One per front thread. */
import type { DatabaseClock } from '../base/database-clock.js';
import type { WireError } from '../base/errors.js';
import { shardOfHash } from '../base/hash.js';
import type { LinkBuffers } from '../ipc/link.js';
import { ShardClient } from '../ipc/shard-client.js';
import { ReadOnlyReader } from '../shm/read-only-reader.js';
import { type DocumentReader, LOOKUP_FOUND } from './document-reader.js';

export interface ShardRouterOptions {
  readonly shards: number;
  /** Writes of this front that may wait, over all shards. */
  readonly pendingWritesMax: number;
  /** Bytes of one batch. */
  readonly batchBytesMax: number;
  readonly clock: DatabaseClock;
  /** Whether writes are taken at all: shm/read-only-format.ts. */
  readonly readOnly: SharedArrayBuffer;
  /** Numbers of the collections whose documents are checked; changes. */
  readonly checked?: ReadonlySet<number>;
}

export class ShardRouter {
  readonly shards: number;
  readonly clients: readonly ShardClient[];
  /** Undefined while a shard is down. */
  private readonly readers: Array<DocumentReader | undefined>;
  private readonly detached: boolean[];

  constructor(options: ShardRouterOptions) {
    this.shards = options.shards;
    const perShard = Math.max(1, Math.floor(options.pendingWritesMax / options.shards));
    const readOnly = new ReadOnlyReader(options.readOnly);
    this.clients = Array.from(
      { length: options.shards },
      (_, shard) =>
        new ShardClient(
          shard,
          perShard,
          options.batchBytesMax,
          this.documentSize,
          options.clock,
          readOnly,
          options.checked,
        ),
    );
    this.readers = this.clients.map(() => undefined);
    this.detached = this.clients.map(() => true);
  }

  attach(shard: number, link: LinkBuffers, reader: DocumentReader): void {
    this.clients[shard].attach(link);
    this.readers[shard] = reader;
    this.detached[shard] = false;
  }

  detach(shard: number, cause: WireError): void {
    this.readers[shard] = undefined;
    this.detached[shard] = true;
    this.clients[shard].detach(cause);
  }

  client(hash: number): ShardClient {
    return this.clients[shardOfHash(hash, this.shards)];
  }

  /** Undefined when the shard is down; unavailableCause() says why. */
  reader(hash: number): DocumentReader | undefined {
    return this.readers[shardOfHash(hash, this.shards)];
  }

  unavailableCause(hash: number): WireError {
    return this.client(hash).unavailableCause;
  }

  private readonly documentSize = (
    hash: number,
    collection: number,
    key: Uint8Array,
    keyLength: number,
  ): number => {
    const reader = this.reader(hash);
    if (reader === undefined) return 0;
    reader.enter();
    try {
      return reader.get(hash, collection, key, 0, keyLength) === LOOKUP_FOUND ? reader.valueLength : 0;
    } finally {
      reader.leave();
    }
  };

  /** The first shard that is down, if any. */
  firstUnavailable(): WireError | undefined {
    const shard = this.detached.indexOf(true);
    return shard < 0 ? undefined : this.clients[shard].unavailableCause;
  }

  /** Sends what was collected in this event-loop turn. */
  flush(): void {
    for (let shard = 0; shard < this.shards; shard++) this.clients[shard].flush();
  }

  hasReplies(): boolean {
    for (let shard = 0; shard < this.shards; shard++) if (this.clients[shard].hasReplies()) return true;
    return false;
  }

  drainReplies(): void {
    for (let shard = 0; shard < this.shards; shard++) this.clients[shard].drainReplies();
  }

  pendingWrites(): number {
    let pending = 0;
    for (let shard = 0; shard < this.shards; shard++) pending += this.clients[shard].pendingCount;
    return pending;
  }
}
