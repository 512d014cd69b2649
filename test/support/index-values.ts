/** Random values for index tests, and their order as SQL's ORDER BY has it (compareForOrder), written down a second time. */
import type { Prng } from '../../src/base/prng.js';
import type { IndexValue } from '../../src/indexes/value.js';
import { parseExact } from '../../src/json/parse-exact.js';

const LONG = 'long text that fills a column, '.repeat(30);

function randomText(prng: Prng): string {
  const alphabet = ['a', 'b', 'B', '\0', '\u0001', 'é', '\uffee', '\u{1f600}', ' ', '"', '\\'];
  let text = prng.nextBelow(6) === 0 ? LONG.slice(0, 480 + prng.nextBelow(60)) : '';
  for (let left = prng.nextBelow(5); left > 0; left--) text += alphabet[prng.nextBelow(alphabet.length)];
  return text;
}

/** The reading of JSON that the order is checked with takes 1024 digits, so longer ones are at the top only. */
function randomInteger(prng: Prng, depth: number): bigint {
  const near = [0n, 2n ** 53n, 2n ** 63n, 10n ** 30n, 10n ** 308n, 10n ** 400n, 10n ** 1024n][
    prng.nextBelow(depth === 0 ? 7 : 6)
  ];
  const value = near + BigInt(prng.nextBelow(7)) - 3n;
  return prng.nextBelow(2) === 0 ? value : -value;
}

/** As SQL has it: a bigint only where a double will not do. */
export const exact = (value: bigint): number | bigint =>
  Number.isFinite(Number(value)) && BigInt(Number(value)) === value ? Number(value) : value;

function randomNumber(prng: Prng, depth: number): number | bigint {
  switch (prng.nextBelow(4)) {
    case 0:
      return exact(randomInteger(prng, depth));
    case 1:
      return prng.nextBelow(10) - 5;
    case 2:
      return (prng.nextFloat() - 0.5) * 10 ** (prng.nextBelow(600) - 300);
    default:
      return [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MIN_VALUE, -0, 0.1, 2 ** 53, -(2 ** 63)][
        prng.nextBelow(7)
      ];
  }
}

/** A value that JSON can hold, never null at the top. */
export function randomJsonValue(prng: Prng, depth = 0): IndexValue {
  const kind = prng.nextBelow(depth > 2 ? 3 : 5);
  if (kind === 0) return randomText(prng);
  if (kind === 1) return randomNumber(prng, depth);
  if (kind === 2) return prng.nextBelow(2) === 0;
  const count = prng.nextBelow(4);
  if (kind === 3) {
    const elements = Array.from({ length: count }, () =>
      prng.nextBelow(6) === 0 ? null : randomJsonValue(prng, depth + 1),
    );
    return { kind: 'json', text: jsonText(elements) };
  }
  const members = Array.from({ length: count }, () => [randomText(prng), randomJsonValue(prng, depth + 1)]);
  return { kind: 'json', text: jsonText(Object.fromEntries(members)) };
}

export function randomValue(prng: Prng): IndexValue {
  switch (prng.nextBelow(9)) {
    case 8:
      return Array.from({ length: prng.nextBelow(3) }, () => randomJsonValue(prng));
    case 0:
      return { kind: 'timestamp', micros: prng.nextBelow(1e9) * 1e6 };
    case 1:
      return prng.nextBelow(2) === 0
        ? { kind: 'time', micros: prng.nextBelow(1000) }
        : { kind: 'interval', months: prng.nextBelow(3), days: prng.nextBelow(60) - 30, micros: 5 };
    case 2:
      return [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY][prng.nextBelow(3)];
    default:
      return randomJsonValue(prng);
  }
}

/** JSON text of plain values, bigints exact. */
export function jsonText(value: unknown): string {
  if (typeof value === 'bigint') return value.toString();
  if (Object.is(value, -0)) return '-0';
  if (typeof value === 'number' && Number.isInteger(value)) return BigInt(value).toString();
  if (Array.isArray(value)) return `[${value.map(jsonText).join(',')}]`;
  if (typeof value === 'object' && value !== null) {
    if ('kind' in value && 'text' in value) return String(value.text);
    return `{${Object.entries(value)
      .map(([name, member]) => `${JSON.stringify(name)}:${jsonText(member)}`)
      .join(',')}}`;
  }
  return JSON.stringify(value);
}

const rank = (value: IndexValue): number => {
  if (value === null) return 9;
  if (typeof value === 'string') return 0;
  if (typeof value === 'number' || typeof value === 'bigint') return 1;
  if (typeof value === 'boolean') return 2;
  if (!('kind' in value)) return 6;
  if (value.kind === 'timestamp' || value.kind === 'date') return 3;
  if (value.kind === 'time') return 4;
  if (value.kind === 'interval') return 5;
  if (value.kind === 'json') return value.text.startsWith('[') ? 6.5 : 7;
  return 8;
};

const parsed = (value: IndexValue): unknown =>
  typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'json'
    ? parseExact(Buffer.from(value.text), 0, Buffer.byteLength(value.text))
    : value;

export function compareValues(a: IndexValue, b: IndexValue): number {
  const difference = rank(a) - rank(b);
  if (difference !== 0) return difference;
  if (typeof a === 'string') return Buffer.compare(Buffer.from(a), Buffer.from(b as string));
  if (typeof a === 'number' || typeof a === 'bigint') return compareNumbers(a, b as number | bigint);
  if (typeof a === 'boolean') return Number(a) - Number(b);
  if (a === null) return 0;
  if (rank(a) === 6) return compareLists(a as IndexValue[], b as IndexValue[]);
  if (rank(a) === 6.5) return compareJsonArrays(parsed(a) as IndexValue[], parsed(b) as IndexValue[]);
  if (rank(a) === 7) return compareObjects(parsed(a) as object, parsed(b) as object);
  return moment(a) - moment(b);
}

function compareNumbers(a: number | bigint, b: number | bigint): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : a > b ? 1 : 0;
}

function moment(value: IndexValue): number {
  const time = value as { kind: string; micros: number; days: number; months: number };
  if (time.kind === 'interval') return (time.months * 30 + time.days) * 86_400e6 + time.micros;
  return time.micros;
}

function compareLists(a: readonly IndexValue[], b: readonly IndexValue[]): number {
  for (let i = 0; i < Math.min(a.length, b.length); i++) {
    const difference = compareValues(asValue(a[i]), asValue(b[i]));
    if (difference !== 0) return difference;
  }
  return a.length - b.length;
}

/** Inside of JSON null is the smallest. */
function compareTrees(a: readonly IndexValue[], b: readonly IndexValue[]): number {
  for (let i = 0; i < a.length; i++) {
    if (a[i] === null && b[i] === null) continue;
    if (a[i] === null || b[i] === null) return a[i] === null ? -1 : 1;
    const difference = compareValues(asValue(a[i]), asValue(b[i]));
    if (difference !== 0) return difference;
  }
  return 0;
}

/** As in PostgreSQL's jsonb, the shorter one is the smaller. */
function compareJsonArrays(a: readonly IndexValue[], b: readonly IndexValue[]): number {
  return a.length === b.length ? compareTrees(a, b) : a.length - b.length;
}

function compareObjects(a: object, b: object): number {
  const left = sortedEntries(a);
  const right = sortedEntries(b);
  if (left.length !== right.length) return left.length - right.length;
  return compareTrees(left.flat(), right.flat());
}

function sortedEntries(object: object): Array<[string, IndexValue]> {
  return Object.entries(object).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
}

function asValue(value: IndexValue): IndexValue {
  if (typeof value !== 'object' || value === null) return value;
  return 'kind' in value && 'text' in value ? value : { kind: 'json', text: jsonText(value) };
}
