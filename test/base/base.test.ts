import test from 'ava';
import { AssertionError, assert, unreachable } from '../../src/base/assert.js';
import { copyBytes, fromWords, highWord, lowWord, WordCopier } from '../../src/base/bytes.js';
import { ManualClock, systemClock } from '../../src/base/clock.js';
import { classify, DbError, fromWireError, toWireError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { randomBytes, seededPrng } from '../support/random.js';

test('a number below 2^53 survives being split into two words, signed or not', (t) => {
  const prng = seededPrng(t);
  const numbers = [0, 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 52 + 12345, Number.MAX_SAFE_INTEGER];
  for (let i = 0; i < 1000; i++) numbers.push(Math.floor(prng.nextFloat() * 2 ** 53));
  for (const number of numbers) {
    const signed = Int32Array.of(lowWord(number), highWord(number));
    const unsigned = Uint32Array.of(lowWord(number), highWord(number));
    t.is(fromWords(signed[0], signed[1]), number);
    t.is(fromWords(unsigned[0], unsigned[1]), number);
  }
});

test('copyBytes copies exactly the range, short or long, into shared memory or out of it', (t) => {
  const prng = seededPrng(t);
  const source = randomBytes(prng, 400);
  for (const count of [0, 1, 95, 96, 97, 300]) {
    const target = new Uint8Array(new SharedArrayBuffer(400)).fill(0xee);
    copyBytes(source, 13, target, 50, count);
    t.deepEqual(target.slice(50, 50 + count), source.slice(13, 13 + count));
    t.true(target.slice(0, 50).every((byte) => byte === 0xee));
    t.true(target.slice(50 + count).every((byte) => byte === 0xee));
  }
});

test('WordCopier copies exactly the range for every alignment, short or long, from one source or another', (t) => {
  const prng = seededPrng(t);
  const sources = [randomBytes(prng, 1200), new Uint8Array(randomBytes(prng, 1300).buffer, 3, 1200)];
  const target = new Uint8Array(new SharedArrayBuffer(1200));
  const copier = new WordCopier(target);
  for (const count of [0, 1, 3, 4, 5, 31, 150, 320, 321, 322, 323, 324, 1000]) {
    for (let start = 0; start < 9; start++) {
      const source = sources[start % 2];
      target.fill(0xee);
      copier.copy(source, start, 48, count);
      t.deepEqual(target.slice(48, 48 + count), source.slice(start, start + count));
      t.true(target.slice(0, 48).every((byte) => byte === 0xee));
      t.true(target.slice(48 + count).every((byte) => byte === 0xee));
    }
  }
});

test('assert builds its message only when it fails', (t) => {
  assert(true, () => t.fail('built') as unknown as string);
  t.throws(() => assert(false, () => 'why'), { instanceOf: AssertionError, message: 'why' });
  t.throws(() => assert(false, 'why'), { instanceOf: AssertionError, message: 'why' });
  t.throws(() => unreachable('x' as never), { instanceOf: AssertionError, message: 'unreachable: "x"' });
});

test('the same seed gives the same numbers, another seed others', (t) => {
  const draw = (seed: number): number[] => {
    const prng = createPrng(seed);
    return Array.from({ length: 20 }, () => prng.nextUint32());
  };
  t.deepEqual(draw(7), draw(7));
  t.notDeepEqual(draw(7), draw(8));
  t.true(draw(0).some((number) => number > 2 ** 31));
});

test('nextBelow stays below its bound and reaches every value', (t) => {
  const prng = seededPrng(t);
  const counts = new Array<number>(10).fill(0);
  for (let i = 0; i < 10_000; i++) counts[prng.nextBelow(10)]++;
  t.is(counts.length, 10);
  for (const count of counts) t.true(count > 800 && count < 1200, String(counts));
});

test('a manual clock moves only when told to, and the wall clock can jump alone', (t) => {
  const clock = new ManualClock(1000, 50);
  clock.advance(5);
  clock.jumpWall(-500);
  t.is(clock.wallMs(), 505);
  t.is(clock.monotonicMs(), 55);
  const start = systemClock.monotonicMs();
  t.true(systemClock.monotonicMs() >= start);
});

test('an error keeps its code, message and details across a thread boundary', (t) => {
  const error = new DbError('CORRUPT_WAL', 'bad checksum', { file: 'a.wal', offset: 12 });
  const back = fromWireError(structuredClone(toWireError(error)));
  t.deepEqual([back.code, back.message, back.details], [error.code, error.message, error.details]);
  t.is(fromWireError(structuredClone(toWireError(new DbError('TIMEOUT', 'late')))).details, undefined);
});

test('an unexpected error becomes INTERNAL', (t) => {
  t.deepEqual(toWireError(new TypeError('x is undefined')), { code: 'INTERNAL', message: 'x is undefined' });
  t.deepEqual(toWireError('thrown text'), { code: 'INTERNAL', message: 'thrown text' });
});

test('what may succeed later without a change is classified as retryable', (t) => {
  for (const code of [
    'OVERLOADED',
    'MEMTABLES_FULL',
    'WAL_POISONED',
    'SHARD_UNAVAILABLE',
    'DRAINING',
  ] as const) {
    t.like(classify(code), { httpStatus: 503, apiCode: 'UNAVAILABLE', retryable: true });
  }
  for (const code of ['VALIDATION', 'PRECONDITION_FAILED', 'CORRUPT_WAL', 'PAYLOAD_TOO_LARGE'] as const) {
    t.false(classify(code).retryable);
  }
});
