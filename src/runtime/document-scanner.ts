/** Ordered scans over the memtables of all shards, for one front. Implements the router's DocumentScanner. */
import { type DatabaseClock, hasExpired } from '../base/database-clock.js';
import { compareBytes } from '../iter/entry-cursor.js';
import { BackwardCursor } from '../memtable/backward-cursor.js';
import type { ChainReader } from '../memtable/chain-reader.js';
import { compareNodes, MergeCursor } from '../memtable/merge-cursor.js';
import type {
  DocumentScanner,
  ScanBound,
  ScanBudget,
  ScannedDocument,
  ScanRange,
} from '../router/document-reader.js';

const NO_KEY = new Uint8Array(0);

/** One shard's keys in the direction of the scan. */
type ShardCursor = MergeCursor | BackwardCursor;

export class MemtableScanner implements DocumentScanner {
  /** By shard; undefined while a shard is down. */
  private readonly readers: Array<ChainReader | undefined>;

  constructor(
    shards: number,
    private readonly clock: DatabaseClock,
  ) {
    this.readers = new Array(shards).fill(undefined);
  }

  setReader(shard: number, reader: ChainReader | undefined): void {
    this.readers[shard] = reader;
  }

  scan(
    collection: number,
    range: ScanRange,
    budget: ScanBudget,
    visit: (document: ScannedDocument) => boolean,
  ): Uint8Array | undefined {
    const readers = this.readers.filter((reader) => reader !== undefined);
    for (const reader of readers) reader.enter();
    try {
      const cursors = readers.map((reader) => cursorAt(reader, collection, range));
      return scanMerged(cursors, range, budget, this.clock.nowSeconds(), visit);
    } finally {
      for (const reader of readers) reader.leave();
    }
  }
}

function cursorAt(reader: ChainReader, collection: number, { from, to, backward }: ScanRange): ShardCursor {
  return backward
    ? new BackwardCursor(reader.chain(), collection, to?.key, to?.inclusive ?? true)
    : new MergeCursor(reader.chain(), collection, from?.key ?? NO_KEY, from !== undefined && !from.inclusive);
}

/** Keys are in one shard each, so merging shards is choosing the foremost of their heads. */
function scanMerged(
  cursors: readonly ShardCursor[],
  { from, to, backward }: ScanRange,
  budget: ScanBudget,
  nowSeconds: number,
  visit: (document: ScannedDocument) => boolean,
): Uint8Array | undefined {
  const direction = backward ? -1 : 1;
  const end = backward ? from : to;
  let heads = cursors.filter((cursor) => cursor.step());
  let bytes = 0;
  for (let keys = 1; heads.length > 0; keys++) {
    const foremost = heads.reduce((best, cursor) =>
      compareNodes(cursor.memtable, cursor.node, best.memtable, best.node) * direction < 0 ? cursor : best,
    );
    if (end !== undefined && isBeyond(foremost, end, direction)) return undefined;
    if (isVisible(foremost, nowSeconds)) {
      const document = documentAt(foremost);
      bytes += document.length;
      if (!visit(document)) return keyAt(foremost);
    }
    if (keys >= budget.keys || bytes >= budget.bytes) return keyAt(foremost);
    if (!foremost.step()) heads = heads.filter((cursor) => cursor !== foremost);
  }
  return undefined;
}

function isBeyond(
  { memtable, node }: ShardCursor,
  { key, inclusive }: ScanBound,
  direction: 1 | -1,
): boolean {
  const order = compareBytes(
    memtable.bytes,
    memtable.keyOffset(node),
    memtable.keyLength(node),
    key,
    0,
    key.length,
  );
  return order === 0 ? !inclusive : order * direction > 0;
}

function isVisible(cursor: ShardCursor, nowSeconds: number): boolean {
  return cursor.isDocument && !hasExpired(cursor.memtable.versionExpires(cursor.version), nowSeconds);
}

function documentAt(cursor: ShardCursor): ScannedDocument {
  const { memtable, version } = cursor;
  return {
    bytes: memtable.bytes,
    offset: memtable.valueOffset(version),
    length: memtable.valueLength(version),
    seqno: memtable.versionSeqno(version),
    key: () => keyAt(cursor),
  };
}

function keyAt({ memtable, node }: ShardCursor): Uint8Array {
  const offset = memtable.keyOffset(node);
  return memtable.bytes.slice(offset, offset + memtable.keyLength(node));
}
