/** WAL streams, put together by hand: what a server streams, and what crashes and people make of it. */

import { NO_CHAIN } from '../../../src/backup/log-piece/piece-format.js';
import { readPiece } from '../../../src/backup/log-piece/piece-reader.js';
import { PieceWriter } from '../../../src/backup/log-piece/piece-writer.js';
import { decodeObject } from '../../../src/backup/object/object-reader.js';
import { encodeObject } from '../../../src/backup/object/object-writer.js';
import type { ObjectStore } from '../../../src/backup/store/object-store.js';
import { encodeStreamHead, type RowEnd } from '../../../src/backup/stream/stream-head.js';
import {
  type CatalogName,
  catalogName,
  pieceName,
  STREAM_HEAD,
} from '../../../src/backup/stream/stream-names.js';
import { asSeqno } from '../../../src/base/brand.js';
import { encodeBatch, put } from '../../support/batches.js';

export interface StreamedBatch {
  readonly firstSeqno: number;
  readonly operationCount?: number;
  readonly wallClockMs: number;
  readonly payload?: Uint8Array;
}

/** Writes rows of pieces, each chained to the one before it. */
export class StreamBuilder {
  private readonly chains = new Map<number, { readonly through: number; readonly chain: Uint8Array }>();

  /** `store`: of the instance. */
  constructor(readonly store: ObjectStore) {}

  /** Returns its name. */
  async piece(
    shard: number,
    after: number,
    through: number,
    batches: readonly StreamedBatch[],
  ): Promise<string> {
    const previousChain = this.chains.get(shard)?.chain ?? NO_CHAIN;
    const writer = new PieceWriter({ shard, after, previousChain });
    const parts = [writer.header()];
    for (const { firstSeqno, wallClockMs, operationCount = 1, payload = batchAt(firstSeqno) } of batches)
      parts.push(
        writer.record({ firstSeqno: asSeqno(firstSeqno), operationCount, wallClockMs, epoch: 1, payload }),
      );
    const { bytes, end } = writer.end(through);
    const name = pieceName(shard, { after, through });
    await this.store.put(name, encodeObject([...parts, bytes], { compression: 'none' }));
    this.chains.set(shard, { through, chain: end.chain });
    return name;
  }

  /** As a server is after it was killed: what it did since `mark` it does not know of. */
  mark(): () => void {
    const chains = new Map(this.chains);
    return () => {
      this.chains.clear();
      for (const [shard, end] of chains) this.chains.set(shard, end);
    };
  }

  /** The next piece of the shard begins a row of its own. */
  beginAnew(shard: number): void {
    this.chains.delete(shard);
  }

  async catalog(name: CatalogName, bytes: Uint8Array): Promise<string> {
    await this.store.put(catalogName(name), encodeObject([bytes], { compression: 'none' }));
    return catalogName(name);
  }

  async head(seqno: number, takenAtMs: number, shards = this.rowEnds()): Promise<void> {
    await this.store.put(STREAM_HEAD, once(Buffer.from(encodeStreamHead({ seqno, takenAtMs, shards }))));
  }

  rowEnds(): RowEnd[] {
    return [...this.chains].map(([shard, { through, chain }]) => ({
      shard,
      through,
      chain: Buffer.from(chain).toString('hex'),
    }));
  }
}

/** The records of one piece of a log. */
export async function recordsOf(store: ObjectStore, object: string): Promise<StreamedBatch[]> {
  const records: StreamedBatch[] = [];
  await readPiece(decodeObject(store.get(object), { name: object }), {
    name: object,
    onRecord: ({ payload, ...record }) => void records.push({ ...record, payload: payload.slice() }),
  });
  return records;
}

const batchAt = (seqno: number): Uint8Array => encodeBatch([put(`s${seqno}`, `{"_id":"s${seqno}"}`)]);

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
