/**
 * Keys that cut a collection of one shard into parts of similar size, so that several threads can scan it: bounds of data
 * blocks for what is in tables, nodes of an upper level of the skiplist for what is in memtables. Approximate on purpose: it
 * reads no block. Any thread that has entered its ShardReader.
 */

import { compareBytes } from '../iter/entry-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';
import type { MemtableReader } from '../memtable/reader.js';
import type { TableCache } from './table-cache.js';

/** Samples taken for each key that is asked for: parts come out even to about a fifth. */
const SAMPLES_PER_KEY = 8;
const NO_KEY = new Uint8Array(0);

interface Sample {
  readonly key: Uint8Array;
  /** Bytes from here to the next sample of the same source, roughly. */
  readonly bytes: number;
}

/** At most `count` keys, ascending and distinct, with about as many bytes between each two of them. */
export function sampleKeys(
  memtables: readonly MemtableReader[],
  version: Version,
  tables: TableCache,
  collection: number,
  count: number,
): Uint8Array[] {
  const samplesMax = count * SAMPLES_PER_KEY;
  const samples: Sample[] = [];
  for (const memtable of memtables) sampleMemtable(memtable, collection, samplesMax, samples);
  for (const run of version.runsNewestFirst()) {
    const shares = run.tables.filter((table) => shareBytes(table, collection) > 0);
    for (const table of shares) {
      const wanted = Math.max(1, Math.ceil(samplesMax / shares.length));
      sampleTable(tables, table, collection, wanted, samples);
    }
  }
  return evenKeys(samples, count);
}

function shareBytes(table: TableInfo, collection: number): number {
  return table.collections.find((share) => share.collection === collection)?.rawBytes ?? 0;
}

function sampleTable(
  tables: TableCache,
  table: TableInfo,
  collection: number,
  wanted: number,
  samples: Sample[],
): void {
  const { index } = tables.reader(table);
  const first = Math.max(0, index.find(collection, NO_KEY, 0, 0));
  const last = Math.max(first, index.find(collection + 1, NO_KEY, 0, 0));
  const step = Math.max(1, Math.floor((last - first + 1) / wanted));
  const bytes = shareBytes(table, collection) / Math.ceil((last - first + 1) / step);
  for (let block = first; block <= last; block += step) {
    if (index.collectionOf(block) === collection) samples.push({ key: index.keyOf(block), bytes });
  }
}

/** Walks the highest level of the skiplist that has enough nodes of the collection. */
function sampleMemtable(
  memtable: MemtableReader,
  collection: number,
  samplesMax: number,
  samples: Sample[],
): void {
  const nodes = memtable.nodeCount();
  if (nodes === 0) return;
  const bytesPerNode = memtable.arenaUsedBytes() / nodes;
  for (let level = memtable.listHeight() - 1; level >= 0; level--) {
    const found = nodesOnLevel(memtable, collection, level);
    if (found.length < samplesMax && level > 0) continue;
    // A level has about a quarter of the nodes of the one below; of a crowded one only some are taken.
    const step = Math.max(1, Math.floor(found.length / samplesMax));
    const bytes = bytesPerNode * step * 4 ** level;
    for (let i = 0; i < found.length; i += step) {
      const at = memtable.keyOffset(found[i]);
      samples.push({ key: memtable.bytes.slice(at, at + memtable.keyLength(found[i])), bytes });
    }
    return;
  }
}

function nodesOnLevel(memtable: MemtableReader, collection: number, level: number): number[] {
  const before = memtable.seekBefore(collection, NO_KEY, 0, 0);
  // The node before the collection may not reach up to this level: from the head instead.
  const start = before !== 0 && memtable.nodeHeight(before) > level ? before : 0;
  const found: number[] = [];
  for (let node = memtable.nextNode(start, level); node !== 0; node = memtable.nextNode(node, level)) {
    const of = memtable.nodeCollection(node);
    if (of > collection) break;
    if (of === collection) found.push(node);
  }
  return found;
}

function evenKeys(samples: Sample[], count: number): Uint8Array[] {
  samples.sort((a, b) => compareBytes(a.key, 0, a.key.length, b.key, 0, b.key.length));
  const total = samples.reduce((sum, { bytes }) => sum + bytes, 0);
  const keys: Uint8Array[] = [];
  let passed = 0;
  for (const { key, bytes } of samples) {
    passed += bytes;
    if (passed < (total * (keys.length + 1)) / (count + 1)) continue;
    const last = keys.at(-1);
    if (last !== undefined && compareBytes(last, 0, last.length, key, 0, key.length) === 0) continue;
    if (keys.push(key) === count) break;
  }
  return keys;
}
