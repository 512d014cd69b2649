import test from 'ava';
import { DbError } from '../../src/base/errors.js';
import { createPrng } from '../../src/base/prng.js';
import { compileFilter, FILTER_FIELDS_MAX, parseFilterText } from '../../src/json/filter.js';
import { FILTER_DEPTH_MAX } from '../../src/json/operand.js';
import { parseExact } from '../../src/json/parse-exact.js';
import { FILTER_IN_CONTAINERS_MAX, FILTER_IN_MAX } from '../../src/json/value-set.js';
import { testSeed } from '../support/random.js';
import { pick, randomObject, randomValue } from './generate.js';

const encoder = new TextEncoder();

function matches(text: string, filter: unknown): boolean {
  const bytes = encoder.encode(text);
  return compileFilter(filter)(bytes, 0, bytes.length);
}

function matchesText(text: string, filter: string): boolean {
  const bytes = encoder.encode(text);
  const filterBytes = encoder.encode(filter);
  return compileFilter(parseFilterText(filterBytes, 0, filterBytes.length))(bytes, 0, bytes.length);
}

const typeOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'bigint' ? 'number' : typeof value;
};

/** Equality of parsed values, missing being undefined. */
function isEqual(left: unknown, right: unknown): boolean {
  if (typeOf(left) !== typeOf(right)) return false;
  if (typeOf(left) === 'null') return true;
  // biome-ignore lint/suspicious/noDoubleEquals: a bigint and a number of one value are equal here
  if (typeOf(left) === 'number') return left == right;
  if (typeof left !== 'object') return left === right;
  const leftObject = left as Record<string, unknown>;
  const rightObject = right as Record<string, unknown>;
  const keys = Object.keys(leftObject);
  return (
    keys.length === Object.keys(rightObject).length &&
    keys.every((key) => Object.hasOwn(rightObject, key) && isEqual(leftObject[key], rightObject[key]))
  );
}

function isOrdered(value: unknown, operator: string, operand: unknown): boolean {
  const type = typeOf(value);
  if (type !== typeOf(operand) || !['number', 'string', 'boolean'].includes(type)) return false;
  const left = type === 'string' ? Buffer.from(value as string).toString('hex') : (value as number);
  const right = type === 'string' ? Buffer.from(operand as string).toString('hex') : (operand as number);
  if (operator === '$gt') return left > right;
  if (operator === '$gte') return left >= right;
  return operator === '$lt' ? left < right : left <= right;
}

function lookUp(document: unknown, path: readonly string[]): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(key)) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

test('random filters match what they match on the parsed document', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  const names = ['a', 'b', 'c', 'é', 'key', '__proto__', 'a\n', '0', '1'];
  const operators = ['$gt', '$gte', '$lt', '$lte', '$ne', '$in', 'equal'];
  const exact = (text: string): unknown => parseExact(encoder.encode(text), 0, encoder.encode(text).length);
  let matched = 0;
  for (let round = 0; round < 40_000; round++) {
    const text = randomObject(prng, 3);
    const document = exact(text);
    const path = Array.from({ length: 1 + prng.nextBelow(2) }, () => pick(prng, names));
    const value = lookUp(document, path);
    const operator = pick(prng, operators);
    const isOrder = operator !== '$ne' && operator !== '$in' && operator !== 'equal';
    // Half of the operands are the document's own value, so that equality happens.
    let operand = prng.nextBelow(2) === 0 && value !== undefined ? value : exact(randomValue(prng, 2));
    if (isOrder && !['number', 'string', 'boolean'].includes(typeOf(operand))) operand = 1;
    if (typeof operand === 'number' && !Number.isFinite(operand)) continue;
    const list = [operand, exact(randomValue(prng, 1)), exact(randomValue(prng, 1))];
    const condition = operator === 'equal' ? operand : { [operator]: operator === '$in' ? list : operand };
    const expected =
      operator === 'equal'
        ? isEqual(value, operand)
        : operator === '$ne'
          ? !isEqual(value, operand)
          : operator === '$in'
            ? list.some((element) => isEqual(value, element))
            : isOrdered(value, operator, operand);
    const filter = Object.fromEntries([[path.join('.'), condition]]);
    if (matches(text, filter) !== expected) {
      t.fail(`seed ${seed}: ${path.join('.')} ${operator} ${String(operand)} (${expected}) on ${text}`);
    }
    if (expected) matched++;
  }
  t.true(matched > 4000);
});

test('integers beyond 2^53 compare exactly, with each other and with doubles', (t) => {
  const doc = '{"n":9007199254740993,"m":-9223372036854775808,"d":9007199254740992.0,"e":1e2,"z":-0}';
  t.true(matchesText(doc, '{"n":9007199254740993}'));
  t.false(matchesText(doc, '{"n":9007199254740992}'));
  t.true(matchesText(doc, '{"n":{"$gt":9007199254740992,"$lt":9007199254740994}}'));
  t.true(matchesText(doc, '{"n":{"$gt":9007199254740992.0}}'));
  t.true(matchesText(doc, '{"d":9007199254740992}'));
  t.true(matchesText(doc, '{"d":{"$lt":9007199254740993}}'));
  t.true(
    matchesText(
      doc,
      '{"m":{"$lt":-9223372036854775807,"$gt":-9223372036854775809,"$ne":-9223372036854775807}}',
    ),
  );
  t.true(matchesText(doc, '{"m":{"$lt":0.5},"n":{"$gt":0.5}}'));
  t.true(matchesText(doc, '{"e":100,"z":0}'));
  t.true(matchesText(doc, '{"n":{"$in":[1,"x",9007199254740993,null]}}'));
  t.true(matches(doc, { n: 9007199254740993n }));
  t.true(matchesText(`{"n":${'9'.repeat(1 << 20)}}`, '{"n":{"$gt":1e308}}'));
});

test('missing equals null, and otherwise matches only $ne', (t) => {
  t.true(matches('{"a":1}', { b: null, 'a.b': null, c: { $ne: 1 }, d: { $in: [null] } }));
  t.false(matches('{"a":1}', { b: { $ne: null } }));
  for (const operator of ['$gt', '$gte', '$lt', '$lte'])
    t.false(matches('{"a":1}', { b: { [operator]: 1 } }));
  t.false(matches('{"a":1}', { b: 1 }));
  t.true(matches('{"b":null}', { b: null }));
});

test('values of different types are unequal and have no order; strings order by code points', (t) => {
  t.false(matches('{"a":"1"}', { a: 1 }));
  t.true(matches('{"a":"1"}', { a: { $ne: 1 } }));
  t.false(matches('{"a":"2"}', { a: { $gt: 1 } }));
  t.true(matches('{"a":false}', { a: { $lt: true } }));
  // U+FFFF sorts before U+1F600, although its UTF-16 code unit is the greater one.
  t.true(matches('{"a":"\uffff"}', { a: { $lt: '😀' } }));
  t.true(matches('{"a":"\\ud83d\\ude00"}', { a: { $gt: '\uffff', $lte: '😀' } }));
  t.true(matches('{"a":{"x":1,"y":[{"z":"\\u0041"}]}}', { a: { y: [{ z: 'A' }], x: 1 } }));
  t.false(matches('{"a":{"x":1}}', { a: { x: 1, y: 2 } }));
  t.true(matches('{"a":{}}', { a: {} }));
  t.true(matches('{}', {}));
  t.true(matches('{"a":[{"b":5}]}', { 'a.0.b': 5 }));
});

test('filters that make no sense or exceed a limit are refused with the field they fail on', (t) => {
  const nested = (depth: number): unknown => (depth === 1 ? 1 : [nested(depth - 1)]);
  const many = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
  const refused: unknown[] = [
    { a: { $foo: 1 } },
    { a: { $gt: 1, b: 2 } },
    { $or: [] },
    { a: { $gt: null } },
    { a: { $lt: [1] } },
    { a: { $in: 1 } },
    { a: { $in: many(FILTER_IN_MAX + 1) } },
    { a: { $in: many(FILTER_IN_CONTAINERS_MAX + 1).map((index) => [index]) } },
    { a: nested(FILTER_DEPTH_MAX + 1) },
    { 'a..b': 1 },
    { '': 1 },
    { a: Number.NaN },
    { a: undefined },
    { a: '\ud800' },
  ];
  for (const filter of refused) {
    const error = t.throws(() => compileFilter(filter), { instanceOf: DbError, code: 'VALIDATION' });
    t.is(typeof error?.details?.['field'], 'string');
  }
  for (const filter of [null, [], 'a', 1]) t.throws(() => compileFilter(filter), { code: 'VALIDATION' });
  const wide = Object.fromEntries(many(FILTER_FIELDS_MAX + 1).map((index) => [`f${index}`, 1]));
  t.throws(() => compileFilter(wide), { code: 'VALIDATION' });
  t.notThrows(() => compileFilter({ a: nested(FILTER_DEPTH_MAX), b: { $in: many(FILTER_IN_MAX) } }));
  t.throws(() => matchesText('{}', '{"a":'), { code: 'MALFORMED_JSON' });
  t.throws(() => matchesText('{}', '[]'), { code: 'VALIDATION' });
  t.notThrows(() => matchesText('{}', '{"_id":{"$in":["a"]}}'));
});
