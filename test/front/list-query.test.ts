import test from 'ava';
import { encodeCursor, type ListQuery, parseListQuery } from '../../src/front/list-query.js';
import { utf8 } from '../support/text.js';

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
    t.deepEqual(parse(`cursor=${encodeCursor(bytes)}`).afterKey, bytes);
  }
  for (const cursor of ['', 'k1.', 'k2.YQ', 'YQ', 'k1.YQ==', 'k1.Y Q', 'k1.Y'])
    t.throws(() => parse(`cursor=${encodeURIComponent(cursor)}`), { message: /cursor/ }, cursor);
});

test('a sort takes one field in either direction', (t) => {
  t.like(parse('sort=-created_at').sort, { field: 'created_at', descending: true });
  t.like(parse('sort=+age').sort, { field: 'age', descending: false });
  t.like(parse('sort=-_id').sort, { field: '_id', descending: true });
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
