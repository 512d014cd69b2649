/** Hammer thread: gets and scans while the writer recycles memtables, and checks whatever it sees. */
import { parentPort, workerData } from 'node:worker_threads';
import { hashKey } from '../../src/base/hash.js';
import { createPrng } from '../../src/base/prng.js';
import { STEP_DOCUMENT } from '../../src/iter/visible-cursor.js';
import { ABSENT, ChainReader, FOUND } from '../../src/memtable/chain-reader.js';
import {
  faultOfValue,
  HAMMER_COLLECTIONS,
  HAMMER_KEYS,
  hasReadEnough,
  type MemtablePeerData,
} from './memtable-peers.js';
import { BEGINNING_OF_TIME, visibleIn } from './memtables.js';
import { oneIn, pick } from './random.js';
import { nap } from './worker.js';

const GETS_PER_VISIT = 20;
const SCAN_LIMIT = 150;

const data = workerData as MemtablePeerData;
const stop = new Int32Array(data.stop);
const reached = new Int32Array(data.reached);
const prng = createPrng(data.seed);
const reader = new ChainReader(data.buffers, data.readerIndex, BEGINNING_OF_TIME);
/** Newest seqno seen, per collection and key: what a key shows may vanish, but never grow older. */
const newestSeen = new Map<number, number>();
const keyIndexes = new Map(HAMMER_KEYS.map((key, index) => [Buffer.from(key).toString(), index]));
let visible = 0;
const result = {
  gets: 0,
  found: 0,
  deleted: 0,
  scanned: 0,
  scans: 0,
  fault: undefined as string | undefined,
};

function fail(what: string): void {
  result.fault ??= what;
}

/** A value that was found and must not change until leave(). */
interface HeldValue {
  readonly bytes: Uint8Array;
  readonly offset: number;
  readonly length: number;
  readonly key: number;
  readonly collection: number;
  readonly seqno: number;
}

function check({ bytes, offset, length, key, collection, seqno }: HeldValue, when: string): void {
  const fault = faultOfValue(bytes, offset, length, key, collection, seqno);
  if (fault !== undefined) fail(`${when}: ${fault}`);
}

function noteSeqno(collection: number, key: number, seqno: number): void {
  const name = collection * HAMMER_KEYS.length + key;
  const seen = newestSeen.get(name) ?? 0;
  if (seqno < seen) fail(`key ${key} went back from seqno ${seen} to ${seqno}`);
  newestSeen.set(name, seqno);
}

/** The writer publishes after each write: what a reader finds is at most one ahead. */
function noteVisible(atLeast: number): void {
  const now = reader.visibleSeqno();
  if (now < visible) fail(`the visible seqno went back from ${visible} to ${now}`);
  if (now < atLeast) fail(`found seqno ${atLeast + 1} while ${now} is visible`);
  visible = now;
}

function enter(): void {
  if (data.pins) reader.enter();
}

function leave(): void {
  if (data.pins) reader.leave();
}

function visitKeys(): void {
  const held: HeldValue[] = [];
  enter();
  for (let i = 0; i < GETS_PER_VISIT; i++) {
    const key = prng.nextBelow(HAMMER_KEYS.length);
    const collection = pick(prng, HAMMER_COLLECTIONS);
    const bytes = HAMMER_KEYS[key];
    const lookup = reader.get(
      hashKey(collection, bytes, 0, bytes.length),
      collection,
      bytes,
      0,
      bytes.length,
    );
    result.gets++;
    if (lookup === ABSENT) continue;
    noteSeqno(collection, key, reader.seqno);
    if (lookup !== FOUND) {
      result.deleted++;
      continue;
    }
    result.found++;
    const value = {
      bytes: reader.bytes,
      offset: reader.valueOffset,
      length: reader.valueLength,
      key,
      collection,
      seqno: reader.seqno,
    };
    noteVisible(reader.seqno - 1);
    check(value, 'get');
    held.push(value);
  }
  if (oneIn(prng, 200) || !data.pins) nap(1);
  for (const value of held) check(value, 'held until leave()');
  leave();
}

function visitRange(): void {
  const held: HeldValue[] = [];
  const collection = pick(prng, HAMMER_COLLECTIONS);
  const from = pick(prng, HAMMER_KEYS);
  const exclusive = oneIn(prng, 2);
  result.scans++;
  enter();
  const cursor = visibleIn(reader, collection, from, exclusive);
  let previous = -1;
  for (let i = 0; i < SCAN_LIMIT && cursor.next() === STEP_DOCUMENT; i++) {
    const { entry } = cursor;
    const text = Buffer.from(entry.key.slice(entry.keyOffset, entry.keyOffset + entry.keyLength)).toString();
    const key = keyIndexes.get(text);
    if (key === undefined) {
      fail(`scan: a key that was never written: ${JSON.stringify(text)}`);
      break;
    }
    if (key <= previous) fail(`scan: key ${key} after ${previous}`);
    if (previous < 0 && key < HAMMER_KEYS.indexOf(from) + (exclusive ? 1 : 0))
      fail(`scan: key ${key} before the start`);
    if (entry.collection !== collection) fail('scan: a key of another collection');
    previous = key;
    const value = {
      bytes: entry.value,
      offset: entry.valueOffset,
      length: entry.valueLength,
      key,
      collection,
      seqno: entry.seqno,
    };
    check(value, 'scan');
    held.push(value);
    result.scanned++;
    if (oneIn(prng, 20_000)) nap(1);
  }
  for (const value of held) check(value, 'scan, held until leave()');
  leave();
}

while (Atomics.load(stop, 0) === 0 && result.fault === undefined) {
  if (data.pins && oneIn(prng, 5)) visitRange();
  else visitKeys();
  if (hasReadEnough(result)) Atomics.store(reached, data.readerIndex, 1);
}
parentPort?.postMessage(result);
