/** The executor's way to write: through the front, which has the links to the shards. Blocks until it is done. */
import { randomUUID } from 'node:crypto';
import type { DatabaseClock } from '../../base/database-clock.js';
import { DbError } from '../../base/errors.js';
import { hashKey, shardOfHash } from '../../base/hash.js';
import type { ShardReader } from '../../engine/shard-reader.js';
import { decodeText } from '../../json/text.js';
import { FOUND } from '../../memtable/chain-reader.js';
import type { DocumentWrite, DocumentWriter, WriteResult } from '../../sql/execute/source.js';
import type { FrontExchange } from './front-exchange.js';

export interface DocumentWritesOptions {
  readonly readers: ReadonlyArray<ShardReader | undefined>;
  readonly databaseClock: DatabaseClock;
}

const utf8 = new TextEncoder();

export class DocumentWrites implements DocumentWriter {
  constructor(
    private readonly options: DocumentWritesOptions,
    private readonly exchange: Pick<FrontExchange, 'write'>,
  ) {}

  write(collection: string, writes: readonly DocumentWrite[]): readonly WriteResult[] {
    return this.exchange.write(collection, writes);
  }

  current(collectionId: number, id: string): { readonly text: string; readonly seqno: number } | undefined {
    const { readers } = this.options;
    const key = utf8.encode(id);
    const hash = hashKey(collectionId, key, 0, key.length);
    const shard = shardOfHash(hash, readers.length);
    const reader = readers[shard];
    if (reader === undefined) throw new DbError('SHARD_UNAVAILABLE', `shard ${shard} is down`, { shard });
    reader.enter();
    try {
      const now = this.options.databaseClock.nowSeconds();
      const lookup = reader.getAt(hash, collectionId, key, 0, key.length, Number.MAX_SAFE_INTEGER, now);
      if (lookup !== FOUND) return undefined;
      const { bytes, valueOffset, valueLength, seqno } = reader;
      return { text: decodeText(bytes, valueOffset, valueOffset + valueLength), seqno };
    } finally {
      reader.leave();
    }
  }

  generatedId(): string {
    return randomUUID();
  }
}
