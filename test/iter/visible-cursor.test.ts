import test, { type ExecutionContext } from 'ava';
import type { Prng } from '../../src/base/prng.js';
import { ENTRY_DOCUMENT, ENTRY_EXPIRED, type Entry } from '../../src/iter/entry-cursor.js';
import { keyRange, type RangeRequest } from '../../src/iter/key-range.js';
import {
  STEP_BUDGET,
  STEP_DOCUMENT,
  STEP_END,
  type Step,
  VisibleCursor,
} from '../../src/iter/visible-cursor.js';
import { ArrayCursor, copyOf, describe, entryOf } from '../support/entries.js';
import { oneIn, pick, seededPrng } from '../support/random.js';
import { compareBytes, utf8 } from '../support/text.js';

const NEWEST = Number.MAX_SAFE_INTEGER;
const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('latin1');
const fromLatin1 = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, 'latin1'));

/** Keys whose ranges and prefixes are easy to get wrong. */
const KEYS = [
  '',
  '\0',
  'a',
  'a\0',
  'a\0\0',
  'ab',
  'abc',
  'a\xff',
  'a\xff\xff',
  'b',
  'b\x01',
  '\xff',
  '\xff\xff',
];

function someEntries(prng: Prng): Entry[] {
  return Array.from({ length: 1 + prng.nextBelow(120) }, (_, i) => {
    const kind = oneIn(prng, 10) ? ENTRY_EXPIRED : undefined;
    const value = kind === undefined && !oneIn(prng, 3) ? `v${i}` : undefined;
    const expiresAt = oneIn(prng, 3) ? 1 + prng.nextBelow(20) : 0;
    const collection = 1 + prng.nextBelow(3);
    return entryOf(fromLatin1(pick(prng, KEYS)), { collection, seqno: i + 1, kind, value, expiresAt });
  });
}

/** The definition, as plainly as it can be said. */
function visibleIn(entries: readonly Entry[], request: RangeRequest, seqno: number, now: number): Entry[] {
  const newest = new Map<string, Entry>();
  for (const entry of entries) {
    if (entry.collection !== request.collection || entry.seqno > seqno) continue;
    const known = newest.get(latin1(entry.key));
    if (known === undefined || known.seqno < entry.seqno) newest.set(latin1(entry.key), entry);
  }
  return [...newest.values()]
    .filter(({ kind, expiresAt }) => kind === ENTRY_DOCUMENT && (expiresAt === 0 || expiresAt > now))
    .filter(({ key }) => isInside(key, request))
    .sort((a, b) => compareBytes(a.key, b.key));
}

function isInside(key: Uint8Array, { from, to, prefix }: RangeRequest): boolean {
  if (prefix !== undefined && !latin1(key).startsWith(latin1(prefix))) return false;
  if (from !== undefined && compareBytes(key, from.key) < (from.inclusive ? 0 : 1)) return false;
  return to === undefined || compareBytes(key, to.key) <= (to.inclusive ? 0 : -1);
}

function someRange(prng: Prng): RangeRequest {
  const end = () => ({ key: fromLatin1(pick(prng, KEYS)), inclusive: oneIn(prng, 2) });
  return {
    collection: prng.nextBelow(5),
    ...(oneIn(prng, 2) ? { from: end() } : {}),
    ...(oneIn(prng, 2) ? { to: end() } : {}),
    ...(oneIn(prng, 3) ? { prefix: fromLatin1(pick(prng, KEYS)) } : {}),
  };
}

type Move = 'next' | 'previous';

/** All documents in one direction, in slices of `budget` entries. */
function walk(cursor: VisibleCursor, move: Move, budget = Number.POSITIVE_INFINITY): Entry[] {
  const found: Entry[] = [];
  for (;;) {
    const step = cursor[move](budget);
    if (step === STEP_END) return found;
    if (step === STEP_DOCUMENT) found.push(copyOf(cursor.entry));
  }
}

function same(t: ExecutionContext, found: readonly Entry[], expected: readonly Entry[], what: string): void {
  t.deepEqual(found.map(describe), expected.map(describe), what);
}

test('random ranges read forward, backward and in slices as the definition says', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 400; round++) {
    const entries = someEntries(prng);
    const request = someRange(prng);
    const seqno = oneIn(prng, 2) ? NEWEST : prng.nextBelow(entries.length + 2);
    const now = prng.nextBelow(22);
    const open = (): VisibleCursor =>
      new VisibleCursor(new ArrayCursor(entries), keyRange(request), seqno, now);
    const expected = visibleIn(entries, request, seqno, now);
    const backward = [...expected].reverse();
    same(t, walk(open(), 'next'), expected, 'forward');
    same(t, walk(open(), 'previous'), backward, 'backward');
    const budget = prng.nextBelow(4);
    same(t, walk(open(), 'next', budget), expected, 'forward in slices');
    same(t, walk(open(), 'previous', budget), backward, 'backward in slices');
    const turning = open();
    walk(turning, 'next');
    same(t, walk(turning, 'previous'), backward, 'from the end back');
    same(t, walk(turning, 'next'), expected, 'and forth again');
  }
});

test('turning around in the middle goes to the neighbour on that side', (t) => {
  const prng = seededPrng(t);
  for (let round = 0; round < 100; round++) {
    const entries = someEntries(prng);
    const request: RangeRequest = { collection: 1 };
    const seqno = oneIn(prng, 2) ? NEWEST : prng.nextBelow(entries.length + 2);
    const cursor = new VisibleCursor(new ArrayCursor(entries), keyRange(request), seqno, 10);
    const expected = visibleIn(entries, request, seqno, 10);
    let at = -1;
    for (let i = 0; i < 60; i++) {
      const move: Move = oneIn(prng, 2) ? 'next' : 'previous';
      const isFirstMove = i === 0 && move === 'previous';
      at = isFirstMove ? expected.length - 1 : at + (move === 'next' ? 1 : -1);
      at = Math.max(-1, Math.min(expected.length, at));
      const step: Step = cursor[move]();
      if (at < 0 || at === expected.length) t.is(step, STEP_END);
      else t.is(describe(cursor.entry), describe(expected[at]));
    }
  }
});

test('a scan goes on behind the examined key in a new cursor, also when it stopped among deleted keys', (t) => {
  const entries = Array.from({ length: 100 }, (_, i) =>
    entryOf(`key-${String(i).padStart(3, '0')}`, { seqno: i + 1, value: i === 99 ? 'last' : undefined }),
  );
  for (const move of ['next', 'previous'] as const) {
    let request: RangeRequest = { collection: 1 };
    const found: Entry[] = [];
    let slices = 0;
    for (let isDone = false; !isDone; slices++) {
      const cursor = new VisibleCursor(new ArrayCursor(entries), keyRange(request), NEWEST, 0);
      const step = cursor[move](10);
      t.true(cursor.entriesExamined <= 10);
      if (step === STEP_DOCUMENT) found.push(copyOf(cursor.entry));
      const key = cursor.examinedKey();
      isDone = step === STEP_END;
      if (key !== undefined)
        request = { collection: 1, [move === 'next' ? 'from' : 'to']: { key, inclusive: false } };
    }
    t.deepEqual(found.map(describe), [describe(entries[99])]);
    t.true(slices >= 10);
  }
});

test('many old versions of a key are passed by a seek and not one by one', (t) => {
  const versions = Array.from({ length: 10_000 }, (_, i) => entryOf('hot', { seqno: i + 1, value: `v${i}` }));
  const entries = [...versions, entryOf('next', { seqno: 20_000, value: 'n' })];
  const cursor = new VisibleCursor(new ArrayCursor(entries), keyRange({ collection: 1 }), NEWEST, 0);
  t.deepEqual(
    walk(cursor, 'next').map(({ seqno }) => seqno),
    [10_000, 20_000],
  );
  t.true(cursor.entriesExamined < 20, `${cursor.entriesExamined} examined`);
});

test('a budget of nothing still gets on by one key', (t) => {
  const entries = ['a', 'b'].map((key, i) => entryOf(key, { seqno: i + 1 }));
  const cursor = new VisibleCursor(new ArrayCursor(entries), keyRange({ collection: 1 }), NEWEST, 0);
  t.is(cursor.next(0), STEP_BUDGET);
  t.deepEqual(cursor.examinedKey(), utf8('a'));
  t.is(cursor.next(0), STEP_BUDGET);
  t.is(cursor.next(0), STEP_END);
  t.is(cursor.examinedKey(), undefined);
});

test('a prefix of 0xff bytes reaches to the end of its collection and no further', (t) => {
  const entries = [
    entryOf(fromLatin1('\xff'), { seqno: 1, value: 'in' }),
    entryOf(fromLatin1('\xff\xff'), { seqno: 2, value: 'in' }),
    entryOf(fromLatin1('\xff'), { collection: 2, seqno: 3, value: 'out' }),
  ];
  const range = keyRange({ collection: 1, prefix: fromLatin1('\xff') });
  const cursor = new VisibleCursor(new ArrayCursor(entries), range, NEWEST, 0);
  t.is(walk(cursor, 'next').length, 2);
});
