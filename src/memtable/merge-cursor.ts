/**
 * Ordered iteration over a chain of memtables: keys of one collection in byte order, each once, newest version first
 * memtable wins. Use between enter() and leave() of the ChainReader that gave the chain.
 */
import { keyPrefixWord, VERSION_KIND_DOCUMENT } from './format.js';
import type { MemtableReader } from './reader.js';

export class MergeCursor {
  private readonly nodes: number[];
  private currentSource = -1;

  /** Fields of the current entry. */
  memtable: MemtableReader;
  node = 0;
  version = 0;

  /** Positions before the first key at or after `key` (or after it, with `exclusive`). `chain`: newest first, not empty. */
  constructor(
    private readonly chain: readonly MemtableReader[],
    private readonly collection: number,
    key: Uint8Array,
    exclusive: boolean,
  ) {
    this.memtable = chain[0];
    const high = keyPrefixWord(key, 0, key.length);
    const low = keyPrefixWord(key, 4, key.length);
    this.nodes = chain.map((memtable) => {
      const node = memtable.seek(collection, key, 0, key.length);
      const isKey = node !== 0 && memtable.compare(node, collection, high, low, key, 0, key.length) === 0;
      return isKey && exclusive ? memtable.nextNode(node, 0) : node;
    });
  }

  /** Steps to the next live document. False at the end of the collection. */
  next(): boolean {
    while (this.step()) if (this.isDocument) return true;
    return false;
  }

  /** False when the current entry is a tombstone. */
  get isDocument(): boolean {
    return this.memtable.versionKind(this.version) === VERSION_KIND_DOCUMENT;
  }

  /** Steps to the next key, tombstones included: the unit of work. False at the end of the collection. */
  step(): boolean {
    const source = this.smallest();
    if (source < 0) return false;
    this.currentSource = source;
    this.memtable = this.chain[source];
    this.node = this.nodes[source];
    this.version = this.memtable.newestVersion(this.node);
    this.skipKeyEverywhere();
    return true;
  }

  /** Index of the source with the smallest key; the newest of several. -1 when all are done. */
  private smallest(): number {
    let best = -1;
    for (let source = 0; source < this.chain.length; source++) {
      const node = this.nodes[source];
      if (node === 0 || this.chain[source].nodeCollection(node) !== this.collection) continue;
      if (best < 0 || compareNodes(this.chain[source], node, this.chain[best], this.nodes[best]) < 0)
        best = source;
    }
    return best;
  }

  private skipKeyEverywhere(): void {
    for (let source = 0; source < this.chain.length; source++) {
      const node = this.nodes[source];
      if (node === 0 || source === this.currentSource) continue;
      if (compareNodes(this.chain[source], node, this.memtable, this.node) === 0) {
        this.nodes[source] = this.chain[source].nextNode(node, 0);
      }
    }
    this.nodes[this.currentSource] = this.memtable.nextNode(this.node, 0);
  }
}

/** Order of two nodes of possibly different memtables by (collection, key). */
export function compareNodes(a: MemtableReader, nodeA: number, b: MemtableReader, nodeB: number): number {
  const collections = a.nodeCollection(nodeA) - b.nodeCollection(nodeB);
  if (collections !== 0) return collections;
  const lengthA = a.keyLength(nodeA);
  const lengthB = b.keyLength(nodeB);
  const keyA = a.keyOffset(nodeA);
  const keyB = b.keyOffset(nodeB);
  const shared = Math.min(lengthA, lengthB);
  for (let i = 0; i < shared; i++) {
    const difference = a.bytes[keyA + i] - b.bytes[keyB + i];
    if (difference !== 0) return difference;
  }
  return lengthA - lengthB;
}
