/**
 * MergeCursor the other way round: the keys of one collection in descending byte order over a chain of memtables, each
 * once, newest version first memtable wins. Skiplists have no links back, so every step searches from the head again:
 * O(log n) per key instead of O(1). Use between enter() and leave() of the ChainReader that gave the chain.
 */
import { keyPrefixWord, VERSION_KIND_DOCUMENT } from './format.js';
import { compareNodes } from './merge-cursor.js';
import type { MemtableReader } from './reader.js';

const NO_KEY = new Uint8Array(0);

export class BackwardCursor {
  private readonly nodes: number[];

  /** Fields of the current entry. */
  memtable: MemtableReader;
  node = 0;
  version = 0;

  /** Positions behind the last key before `key` (or at it, with `inclusive`); undefined is the collection's end. */
  constructor(
    private readonly chain: readonly MemtableReader[],
    private readonly collection: number,
    key: Uint8Array | undefined,
    inclusive: boolean,
  ) {
    this.memtable = chain[0];
    this.nodes = chain.map((memtable) => {
      if (key === undefined) return lastBefore(memtable, collection + 1, NO_KEY, 0, 0, false);
      return lastBefore(memtable, collection, key, 0, key.length, inclusive);
    });
  }

  /** False when the current entry is a tombstone. */
  get isDocument(): boolean {
    return this.memtable.versionKind(this.version) === VERSION_KIND_DOCUMENT;
  }

  /** Steps to the next smaller key, tombstones included. False at the start of the collection. */
  step(): boolean {
    const source = this.largest();
    if (source < 0) return false;
    this.memtable = this.chain[source];
    this.node = this.nodes[source];
    this.version = this.memtable.newestVersion(this.node);
    this.skipKeyEverywhere();
    return true;
  }

  /** Index of the source with the largest key; the newest of several. -1 when all are done. */
  private largest(): number {
    let best = -1;
    for (let source = 0; source < this.chain.length; source++) {
      const node = this.nodes[source];
      if (node === 0 || this.chain[source].nodeCollection(node) !== this.collection) continue;
      if (best < 0 || compareNodes(this.chain[source], node, this.chain[best], this.nodes[best]) > 0)
        best = source;
    }
    return best;
  }

  private skipKeyEverywhere(): void {
    const { memtable, node, collection } = this;
    const keyOffset = memtable.keyOffset(node);
    const keyLength = memtable.keyLength(node);
    for (let source = 0; source < this.chain.length; source++) {
      const other = this.nodes[source];
      if (other === 0 || compareNodes(this.chain[source], other, memtable, node) !== 0) continue;
      this.nodes[source] = lastBefore(
        this.chain[source],
        collection,
        memtable.bytes,
        keyOffset,
        keyLength,
        false,
      );
    }
  }
}

/** The last node before (collection, key), or at it with `inclusive`; 0 when there is none. */
function lastBefore(
  memtable: MemtableReader,
  collection: number,
  key: Uint8Array,
  keyOffset: number,
  keyLength: number,
  inclusive: boolean,
): number {
  const high = keyPrefixWord(key, keyOffset, keyOffset + keyLength);
  const low = keyPrefixWord(key, keyOffset + 4, keyOffset + keyLength);
  let node = 0;
  for (let level = memtable.listHeight() - 1; level >= 0; level--) {
    for (;;) {
      const next = memtable.nextNode(node, level);
      if (next === 0) break;
      const order = memtable.compare(next, collection, high, low, key, keyOffset, keyLength);
      if (order > 0 || (order === 0 && !inclusive)) break;
      node = next;
    }
  }
  return node;
}
