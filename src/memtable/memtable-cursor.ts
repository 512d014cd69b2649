/**
 * Everything one memtable holds, as an EntryCursor: all collections, all versions, in the order of the LSM tree. For
 * flushes and merges. Any thread; nothing here stores. Whoever uses it keeps the slot from being recycled meanwhile
 * (ChainReader pins it for readers; the shard thread does not retire a memtable that is being flushed).
 *
 * Over the active memtable a cursor may or may not give what is written while it moves, like every walk of a skiplist.
 * What it gives is whole, in order and never twice.
 */
import type { EntryCursor } from '../iter/entry-cursor.js';
import type { MemtableReader } from './reader.js';

export class MemtableCursor implements EntryCursor {
  private node = 0;
  private version = 0;

  isValid = false;
  collection = 0;
  readonly key: Uint8Array;
  keyOffset = 0;
  keyLength = 0;
  seqno = 0;
  kind = 0;
  expiresAt = 0;
  readonly value: Uint8Array;
  valueOffset = 0;
  valueLength = 0;
  originalLength = 0;

  constructor(private readonly memtable: MemtableReader) {
    this.key = memtable.bytes;
    this.value = memtable.bytes;
  }

  seekToFirst(): void {
    this.toNode(this.memtable.nextNode(0, 0));
  }

  seek(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.toNode(this.memtable.seek(collection, key, keyOffset, keyLength));
  }

  seekBefore(collection: number, key: Uint8Array, keyOffset: number, keyLength: number): void {
    this.toNode(this.memtable.seekBefore(collection, key, keyOffset, keyLength));
  }

  next(): void {
    const older = this.memtable.olderVersion(this.version);
    if (older !== 0) this.toVersion(older);
    else this.toNode(this.memtable.nextNode(this.node, 0));
  }

  close(): void {
    this.isValid = false;
  }

  /** To the newest version of a node; node 0 is the end. */
  private toNode(node: number): void {
    this.node = node;
    this.isValid = node !== 0;
    if (node === 0) return;
    const { memtable } = this;
    this.collection = memtable.nodeCollection(node);
    this.keyOffset = memtable.keyOffset(node);
    this.keyLength = memtable.keyLength(node);
    this.toVersion(memtable.newestVersion(node));
  }

  private toVersion(version: number): void {
    const { memtable } = this;
    this.version = version;
    this.seqno = memtable.versionSeqno(version);
    this.kind = memtable.versionKind(version);
    this.expiresAt = memtable.versionExpires(version);
    this.valueOffset = memtable.valueOffset(version);
    this.valueLength = memtable.valueLength(version);
    this.originalLength = this.valueLength;
  }
}
