/** Ordered scans over the memtables of all shards, for one front. Implements the router's DocumentScanner. */
import type { ChainReader } from '../memtable/chain-reader.js';
import { compareNodes, MergeCursor } from '../memtable/merge-cursor.js';
import type { DocumentScanner, ScanBudget, ScannedDocument } from '../router/document-reader.js';

const NO_KEY = new Uint8Array(0);

export class MemtableScanner implements DocumentScanner {
  /** By shard; undefined while a shard is down. */
  private readonly readers: Array<ChainReader | undefined>;

  constructor(shards: number) {
    this.readers = new Array(shards).fill(undefined);
  }

  setReader(shard: number, reader: ChainReader | undefined): void {
    this.readers[shard] = reader;
  }

  scan(
    collection: number,
    afterKey: Uint8Array | undefined,
    budget: ScanBudget,
    visit: (document: ScannedDocument) => boolean,
  ): Uint8Array | undefined {
    const readers = this.readers.filter((reader) => reader !== undefined);
    for (const reader of readers) reader.enter();
    try {
      return scanMerged(readers, collection, afterKey, budget, visit);
    } finally {
      for (const reader of readers) reader.leave();
    }
  }
}

/** Keys are in one shard each, so merging shards is choosing the smallest of their heads. */
function scanMerged(
  readers: readonly ChainReader[],
  collection: number,
  afterKey: Uint8Array | undefined,
  budget: ScanBudget,
  visit: (document: ScannedDocument) => boolean,
): Uint8Array | undefined {
  let heads = readers
    .map((reader) => new MergeCursor(reader.chain(), collection, afterKey ?? NO_KEY, afterKey !== undefined))
    .filter((cursor) => cursor.step());
  let bytes = 0;
  for (let keys = 1; heads.length > 0; keys++) {
    const smallest = heads.reduce((best, cursor) =>
      compareNodes(cursor.memtable, cursor.node, best.memtable, best.node) < 0 ? cursor : best,
    );
    if (smallest.isDocument) {
      const document = documentAt(smallest);
      bytes += document.length;
      if (!visit(document)) return keyAt(smallest);
    }
    if (keys >= budget.keys || bytes >= budget.bytes) return keyAt(smallest);
    if (!smallest.step()) heads = heads.filter((cursor) => cursor !== smallest);
  }
  return undefined;
}

function documentAt(cursor: MergeCursor): ScannedDocument {
  const { memtable, version } = cursor;
  return {
    bytes: memtable.bytes,
    offset: memtable.valueOffset(version),
    length: memtable.valueLength(version),
    seqno: memtable.versionSeqno(version),
    key: () => keyAt(cursor),
  };
}

function keyAt({ memtable, node }: MergeCursor): Uint8Array {
  const offset = memtable.keyOffset(node);
  return memtable.bytes.slice(offset, offset + memtable.keyLength(node));
}
