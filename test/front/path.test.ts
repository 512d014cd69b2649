import test from 'ava';
import { collectionNameFault, DocumentPath, keyLengthFault } from '../../src/front/path.js';
import { seededPrng } from '../support/random.js';
import { textOf } from '../support/text.js';

const API = '/api/v1/';

function parse(url: string): { collection: string; id: string | undefined } | string {
  const path = new DocumentPath();
  if (!path.parse(API + url)) return path.error?.message ?? 'no reason given';
  return { collection: path.collection, id: path.hasId ? textOf(path.key, 0, path.keyLength) : undefined };
}

test('a path is a collection, or a collection and an id', (t) => {
  t.deepEqual(parse('users'), { collection: 'users', id: undefined });
  t.deepEqual(parse('users/ann'), { collection: 'users', id: 'ann' });
  t.deepEqual(parse('us%65rs/%61%2Fb'), { collection: 'users', id: 'a/b' });
  t.regex(String(parse('users/')), /_id is empty/);
  t.regex(String(parse('users/a/b')), /%2F/);
  t.regex(String(parse('%zz/a')), /collection name is not valid/);
});

test('every id that encodeURIComponent can write is read back, and as the same JSON string', (t) => {
  const prng = seededPrng(t);
  const path = new DocumentPath();
  for (let round = 0; round < 2000; round++) {
    const points = Array.from({ length: 1 + prng.nextBelow(40) }, () => {
      const point = [0x80, 0x800, 0xd800, 0x10ffff - 0x2000][prng.nextBelow(4)];
      const code = prng.nextBelow(point);
      return code >= 0xd800 && code < 0xe000 ? code - 0x800 : code;
    });
    const id = String.fromCodePoint(...points);
    t.true(path.parse(`${API}c/${encodeURIComponent(id)}`), JSON.stringify(id));
    t.is(path.idText(), id);
    t.is(JSON.parse(path.idJson()), id);
  }
});

test('a parse leaves nothing of the one before', (t) => {
  const path = new DocumentPath();
  t.true(path.parse(`${API}c/${'long'.repeat(200)}`));
  t.true(path.parse(`${API}c/x`));
  t.is(path.idText(), 'x');
  t.false(path.parse(`${API}c/%`));
  t.true(path.parse(`${API}c`));
  t.false(path.hasId);
  t.is(path.error, undefined);
});

test('ids have 1 to 1024 bytes', (t) => {
  t.is(keyLengthFault(1), undefined);
  t.is(keyLengthFault(1024), undefined);
  t.regex(keyLengthFault(0)?.message ?? '', /empty/);
  t.regex(keyLengthFault(1025)?.message ?? '', /1025/);
  t.deepEqual(parse(`c/${'%20'.repeat(1024)}`), { collection: 'c', id: ' '.repeat(1024) });
  t.regex(String(parse(`c/${'%20'.repeat(1025)}`)), /1025 bytes/);
});

test('names of collections are identifiers of at most 128 characters, and some are reserved', (t) => {
  for (const name of ['a', '_x', 'a.b-c_1', 'A'.repeat(128), 'system', 'systemx', 'bulk'])
    t.is(collectionNameFault(name), undefined, name);
  for (const name of [
    '',
    '1',
    '-a',
    '.a',
    'a b',
    'a/b',
    'é',
    'a\n',
    'A'.repeat(129),
    'system.x',
    'query',
    'collections',
  ])
    t.is(collectionNameFault(name)?.code, 'VALIDATION', name);
});
