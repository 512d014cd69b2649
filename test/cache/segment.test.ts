import test, { type ExecutionContext } from 'ava';
import type { Prng } from '../../src/base/prng.js';
import { CacheSegment } from '../../src/cache/segment.js';
import {
  CELL_EVICTIONS,
  ENTRY_HEADER_WORDS,
  entriesMax,
  formatSegment,
  SEGMENT_BYTES_MIN,
  SEGMENT_INDEX_SIZE,
} from '../../src/cache/segment-format.js';
import { checkSegment } from '../support/cache-segments.js';
import { oneIn, seededPrng } from '../support/random.js';

function newSegment(byteLength: number, bytesPerSlot = 128, byteOffset = 0): CacheSegment {
  const sab = new SharedArrayBuffer(byteOffset + byteLength);
  formatSegment(sab, byteOffset, byteLength, bytesPerSlot);
  return new CacheSegment(sab, byteOffset, byteLength);
}

/** In these tests a key is a number, and an entry holds it as its only word of payload, its hash being a function of it. */
const KEY = ENTRY_HEADER_WORDS;
const ENTRY_WORDS_MIN = KEY + 1;

function slotOfKey(segment: CacheSegment, hash: number, key: number): number {
  for (let slot = segment.index.first(hash); slot >= 0; slot = segment.index.next(slot, hash)) {
    if (segment.words[segment.index.entryAt(slot) + KEY] === key) return slot;
  }
  return -1;
}

function put(segment: CacheSegment, key: number, size: number, isProven = false): number {
  const entry = segment.admit(key, size, isProven);
  segment.words.fill(key, entry + KEY, entry + size);
  return entry;
}

function runModel(
  t: ExecutionContext,
  prng: Prng,
  segment: CacheSegment,
  sizeMax: number,
  steps: number,
): void {
  // A cache may forget, but what it has must be what was put there last; `sizes` is all that may be in it.
  const sizes = new Map<number, number>();
  // Few hashes: chains of equal ones, and of neighbours in the index, must be handled.
  const hashOf = (key: number): number => Math.imul(key % 97, 0x01000193);
  let hits = 0;
  for (let step = 0; step < steps; step++) {
    const key = prng.nextBelow(prng.nextBelow(600) + 1);
    const hash = hashOf(key);
    const slot = slotOfKey(segment, hash, key);
    if (slot >= 0) {
      hits++;
      const entry = segment.index.entryAt(slot);
      const size = sizes.get(key) ?? 0;
      for (let i = KEY; i < size; i++)
        if (segment.words[entry + i] !== key) t.fail(`word ${i} of key ${key}`);
      if (oneIn(prng, 8)) {
        segment.remove(slot);
        sizes.delete(key);
        if (slotOfKey(segment, hash, key) >= 0) t.fail('a removed entry is gone');
      } else segment.touch(entry);
    } else {
      const size = ENTRY_WORDS_MIN + 2 * prng.nextBelow((sizeMax - ENTRY_WORDS_MIN) / 2 + 1);
      const entry = segment.admit(hash, size, oneIn(prng, 20));
      segment.words.fill(key, entry + KEY, entry + size);
      sizes.set(key, size);
    }
    if (oneIn(prng, 50)) checkSegment(segment);
    if (oneIn(prng, 2000)) {
      segment.clear();
      sizes.clear();
      if (checkSegment(segment) !== 0 || segment.usedWords !== 0) t.fail('a cleared segment is empty');
    }
  }
  t.true(hits > steps / 50, `${hits} hits in ${steps} steps`);
}

test('rings, index and counts agree through random inserts, reads, removals and evictions', (t) => {
  const prng = seededPrng(t);
  runModel(t, prng, newSegment(SEGMENT_BYTES_MIN), 40, 60_000);
  t.log('entries as large as the small ring');
  const segment = newSegment(SEGMENT_BYTES_MIN, 256, 64);
  runModel(t, prng, segment, segment.entryWordsMax, 30_000);
  t.log('an odd size');
  runModel(t, prng, newSegment(SEGMENT_BYTES_MIN + 8 * 37, 64), 100, 30_000);
  t.true(segment.cells[CELL_EVICTIONS] > 1000);
});

test('the first entry of a segment is what the example of the format says', (t) => {
  const segment = newSegment(64 * 1024, 512);
  const entry = segment.admit(0xabcd, 14, false);
  const header = segment.bytes.slice(entry * 4, entry * 4 + ENTRY_HEADER_WORDS * 4);
  t.is(Buffer.from(header).toString('hex'), '0e00000008000000cdab0000');
});

test('entries too small to fill the rings are bounded by the index', (t) => {
  const segment = newSegment(64 * 1024, 1024);
  const limit = entriesMax(segment.words[SEGMENT_INDEX_SIZE]);
  for (let key = 1; key <= 10 * limit; key++) {
    put(segment, key, ENTRY_WORDS_MIN);
    t.true(checkSegment(segment) <= limit);
  }
  t.is(segment.entries, limit);
  t.true(slotOfKey(segment, 10 * limit, 10 * limit) >= 0, 'the last one is there');
});

test('the first entries fill all of the memory, not only the small ring', (t) => {
  const segment = newSegment(64 * 1024);
  let key = 0;
  while (segment.cells[CELL_EVICTIONS] === 0) put(segment, ++key, 50);
  const capacityWords = 64 * 256 - (64 + 512 * 2 + 256);
  t.true(segment.usedWords > capacityWords * 0.95, `${segment.usedWords} of ${capacityWords} words`);
});

test('in the main ring an entry that is read once a round stays, and those that are not leave', (t) => {
  const segment = newSegment(64 * 1024);
  put(segment, 1, 50, true);
  for (let key = 2; key < 5000; key++) {
    put(segment, key, 50, true);
    const slot = slotOfKey(segment, 1, 1);
    if (slot < 0) return t.fail(`gone after ${key} inserts`);
    if (key % 100 === 0) segment.touch(segment.index.entryAt(slot));
  }
  t.true(slotOfKey(segment, 2, 2) < 0);
});

test('a scan does not touch the main ring, and passes through the small one', (t) => {
  const segment = newSegment(64 * 1024);
  for (let key = 1; key <= 100; key++) segment.touch(put(segment, key, 50, true));
  for (let key = 1000; key < 20_000; key++) put(segment, key, 50);
  for (let key = 1; key <= 100; key++) t.true(slotOfKey(segment, key, key) >= 0);
  t.true(slotOfKey(segment, 19_999, 19_999) >= 0);
});

test('an insert ends although every entry was read three times', (t) => {
  const segment = newSegment(64 * 1024);
  for (let key = 1; key < 2000; key++) {
    const entry = put(segment, key, 50);
    for (let i = 0; i < 5; i++) segment.touch(entry);
  }
  t.true(slotOfKey(segment, 1999, 1999) >= 0);
  t.true(checkSegment(segment) > 250);
});

test('what returns soon after it was thrown out unread goes to the main ring', (t) => {
  const segment = newSegment(64 * 1024);
  let key = 0;
  while (segment.cells[CELL_EVICTIONS] === 0) put(segment, ++key, 50);
  // Every entry is 50 words, so the first to go is the oldest of the small ring.
  let gone = 1;
  while (slotOfKey(segment, gone, gone) >= 0) gone++;
  put(segment, gone, 50);
  for (let other = 10_000; other < 10_060; other++) put(segment, other, 50);
  t.true(
    slotOfKey(segment, gone, gone) >= 0,
    'the small ring has been replaced, the returned entry is there',
  );
  t.true(slotOfKey(segment, 10_000, 10_000) < 0);
});

test('a segment that was left in any state can be cleared and used', (t) => {
  const prng = seededPrng(t);
  const segment = newSegment(SEGMENT_BYTES_MIN);
  for (let key = 1; key < 500; key++) put(segment, key, 20);
  // What a thread that dies in the middle of a change could leave, and worse. Constants are never written, so they stay.
  for (let i = 0; i < 200; i++)
    segment.words[400 + prng.nextBelow(segment.words.length - 400)] = prng.nextUint32();
  segment.clear();
  t.is(checkSegment(segment), 0);
  runModel(t, prng, segment, 40, 5000);
});
