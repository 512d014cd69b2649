import test from 'ava';
import { encodeCursor, type ListQuery, parseListQuery } from '../../src/front/list-query.js';
import { textOf, utf8 } from '../support/text.js';

function parse(query: string): ListQuery {
  const parsed = parseListQuery(query);
  if ('code' in parsed) throw new Error(`${parsed.code} ${parsed.details?.['field']}: ${parsed.message}`);
  return parsed;
}

const matches = (query: string, document: string): boolean => {
  const bytes = utf8(document);
  return parse(query).filters.every((filter) => filter(bytes, 0, bytes.length));
};

test('without parameters a list is the first 20 documents by _id', (t) => {
  t.like(parse(''), {
    limit: 20,
    offset: 0,
    sort: undefined,
    afterKey: undefined,
    fields: undefined,
    filters: [],
  });
  t.like(parse('sort=_id'), { sort: undefined });
});

test('a cursor is the key it continues after, whatever bytes that has', (t) => {
  for (const key of [[0], [0xff, 0xfe], [...utf8('é/%"')], Array.from({ length: 1024 }, (_, i) => i % 256)]) {
    const bytes = Uint8Array.from(key);
    const after = { key: bytes, inclusive: false };
    t.deepEqual(parse(`cursor=${encodeCursor(bytes)}`).range, {
      from: after,
      to: undefined,
      backward: false,
    });
    t.deepEqual(parse(`sort=-_id&cursor=${encodeCursor(bytes)}`).range, {
      from: undefined,
      to: after,
      backward: true,
    });
  }
  for (const cursor of ['', 'k1.', 'k2.YQ', 'YQ', 'k1.YQ==', 'k1.Y Q', 'k1.Y'])
    t.throws(() => parse(`cursor=${encodeURIComponent(cursor)}`), { message: /cursor/ }, cursor);
});

test('a sort takes one field in either direction', (t) => {
  t.like(parse('sort=-created_at').sort, { field: 'created_at', descending: true });
  t.like(parse('sort=+age').sort, { field: 'age', descending: false });
  t.like(parse('sort=-_id'), { sort: undefined, range: { backward: true } });
  t.like(parse('sort=+_id'), { sort: undefined, range: { backward: false } });
  t.throws(() => parse('sort='), { message: /sort/ });
  t.throws(() => parse('sort=a..b'), { message: /empty name/ });
  t.throws(() => parse('sort=a&offset=10000'), { message: /offset \+ limit/ });
});

test('plain parameters have no types: they find text and value alike, and null only by name', (t) => {
  t.true(matches('age=5', '{"age":5}'));
  t.true(matches('age=5', '{"age":"5"}'));
  t.false(matches('age=5', '{"age":50}'));
  t.true(matches('on=true', '{"on":true}'));
  t.true(matches('name=a+b', '{"name":"a b"}'));
  t.true(matches('a.b=x', '{"a":{"b":"x"}}'));
  t.false(matches('a=[1]', '{"a":[1]}'));
  t.true(matches('a=1&filter={"b":2}', '{"a":1,"b":2}'));
  t.false(matches('a=1&filter={"b":2}', '{"a":1,"b":3}'));
});

test('what is wrong with a filter is said with its name and place', (t) => {
  t.throws(() => parse('filter={"a"'), { message: /MALFORMED_JSON filter: filter: .* at byte 4/ });
  t.throws(() => parse('filter=[]'), { message: /filter: filter: a filter is an object/ });
  t.throws(() => parse('filter={"a":{"$near":1}}'), { message: /\$near/ });
});

const filterOf = (filter: unknown): string => `filter=${encodeURIComponent(JSON.stringify(filter))}`;
const KEY_MAX = 1024;

/** The range of a query as text, such as "[a, b)". */
function rangeOf(query: string): string {
  const { from, to } = parse(query).range;
  const left = from === undefined ? '(' : `${from.inclusive ? '[' : '('}${textOf(from.key)}`;
  return `${left}, ${to === undefined ? ')' : `${textOf(to.key)}${to.inclusive ? ']' : ')'}`}`;
}

test('conditions on _id become a range of keys, as narrow as all of them together', (t) => {
  t.is(rangeOf(''), '(, )');
  t.is(rangeOf(filterOf({ _id: 'k' })), '[k, k]');
  t.is(rangeOf('_id=k'), '[k, k]');
  t.is(rangeOf('_id=5'), '[5, 5]');
  t.is(rangeOf(filterOf({ _id: { $gt: 'a', $lte: 'b' } })), '(a, b]');
  t.is(rangeOf(filterOf({ _id: { $gte: 'a', $lt: 'b' } })), '[a, b)');
  t.is(rangeOf(filterOf({ _id: { $gte: 'b', $gt: 'b' } })), '(b, )');
  t.is(rangeOf(`${filterOf({ _id: { $lte: 'x' } })}&cursor=${encodeCursor(utf8('m'))}`), '(m, x]');
  t.is(rangeOf(`${filterOf({ _id: { $gt: 'p' } })}&cursor=${encodeCursor(utf8('m'))}`), '(p, )');
  t.is(rangeOf(`sort=-_id&${filterOf({ _id: { $lte: 'x' } })}&cursor=${encodeCursor(utf8('m'))}`), '(, m)');
  t.is(rangeOf(`${filterOf({ _id: { $gte: 'é' } })}&_id=z`), '[é, z]');
});

test('a bound that is longer than any key splits the keys where it would', (t) => {
  const long = 'k'.repeat(KEY_MAX + 1);
  const longest = 'k'.repeat(KEY_MAX);
  t.is(rangeOf(filterOf({ _id: { $gte: long } })), `(${longest}, )`);
  t.is(rangeOf(filterOf({ _id: { $lt: long } })), `(, ${longest}]`);
  t.is(rangeOf(filterOf({ _id: long })), `(${longest}, ${longest}]`);
});

test('what is no range of _id stays a filter, and is still checked', (t) => {
  for (const _id of [{ $in: ['a'] }, { $ne: 'a' }, { $gt: 5 }, 5, null, { $gte: 'a', $ne: 'b' }, ['a'], {}])
    t.is(rangeOf(filterOf({ _id })), '(, )', JSON.stringify(_id));
  t.true(matches(filterOf({ _id: { $in: ['a'] } }), '{"_id":"a"}'));
  t.false(matches(filterOf({ _id: { $ne: 'a' } }), '{"_id":"a"}'));
  t.false(matches(filterOf({ _id: { $gt: 'a' }, n: 1 }), '{"_id":"b","n":2}'), 'other fields still count');
  t.true(matches(filterOf({ _id: { $gt: 'a' }, n: 1 }), '{"_id":"b","n":1}'));
  t.throws(() => parse(filterOf({ _id: { $near: 'a' } })), { message: /\$near/ });
});
