import test from 'ava';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start({ env: { LUMADB_SHARDING__SHARDS: '2' } });
});
test.after.always(() => server?.close());

interface Page {
  readonly data: Record<string, unknown>[];
  readonly pagination: Record<string, unknown>;
}

async function list(collection: string, query: Record<string, string> = {}): Promise<Page> {
  const answer = await server.get(`/api/v1/${collection}?${new URLSearchParams(query)}`);
  if (answer.status !== 200) throw new Error(answer.text);
  return answer.json;
}

const ids = ({ data }: Page): unknown[] => data.map(({ _id }) => _id);

async function fill(collection: string, documents: readonly object[]): Promise<void> {
  const answer = await server.request('POST', `/api/v1/${collection}/bulk`, { body: { documents } });
  if (answer.status !== 200) throw new Error(answer.text);
}

const people = [
  { _id: 'ann', age: 30, status: 'active', address: { city: 'Ulm' }, at: '2026-01-03' },
  { _id: 'bob', age: 40, status: 'idle', address: { city: 'Bonn' }, at: '2026-01-01' },
  { _id: 'cid', age: 20, status: 'active', address: { city: 'Ulm' }, at: '2026-01-02' },
  { _id: 'dee', age: '30', status: 'gone', at: null },
];

test('documents come in the order of their ids as UTF-8, over all shards', async (t) => {
  const names = Array.from({ length: 300 }, (_, i) => `k${(i * 7919) % 1000}`);
  const keys = [...new Set([...names, 'é', 'z', 'Z', '~', '\u{1f600}', '\uffee', 'a b', 'a/b'])];
  await fill(
    'ordered',
    keys.map((_id) => ({ _id })),
  );
  const expected = [...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
  t.deepEqual(ids(await list('ordered', { limit: '1000' })), expected);
});

test('a page has 20 documents unless it asks for more, and tells whether there is another', async (t) => {
  await fill(
    'pages',
    Array.from({ length: 41 }, (_, i) => ({ _id: String(i).padStart(3, '0') })),
  );
  const first = await list('pages');
  t.is(first.data.length, 20);
  t.like(first.pagination, { limit: 20, offset: 0, has_more: true });
  const second = await list('pages', { cursor: String(first.pagination['next_cursor']) });
  const third = await list('pages', { cursor: String(second.pagination['next_cursor']) });
  t.deepEqual(ids(third), ['040']);
  t.like(third.pagination, { has_more: false, next_cursor: null });
  const exact = await list('pages', { limit: '41' });
  t.is(exact.pagination['has_more'], false);
  t.deepEqual(ids(await list('pages', { offset: '38', limit: '2' })), ['038', '039']);
  t.deepEqual(ids(await list('pages', { offset: '99' })), []);
});

/** All pages of a list, by cursor. */
async function pagesOf(collection: string, query: Record<string, string>): Promise<unknown[][]> {
  const pages: unknown[][] = [];
  let cursor: unknown;
  do {
    const page = await list(collection, { ...query, ...(cursor ? { cursor: String(cursor) } : {}) });
    pages.push(ids(page));
    cursor = page.pagination['next_cursor'];
  } while (cursor !== null);
  return pages;
}

test('cursors page through the order of ids forward and backward, within a range as well', async (t) => {
  const keys = Array.from({ length: 50 }, (_, i) => `k${String(i).padStart(2, '0')}`);
  await fill(
    'both_ways',
    keys.map((_id) => ({ _id, even: Number(_id.slice(1)) % 2 === 0 })),
  );
  const forward = await pagesOf('both_ways', { limit: '7' });
  t.is(forward.length, 8);
  t.deepEqual(forward.flat(), keys);
  t.deepEqual((await pagesOf('both_ways', { limit: '7', sort: '_id' })).flat(), keys);
  t.deepEqual((await pagesOf('both_ways', { limit: '7', sort: '-_id' })).flat(), [...keys].reverse());
  const filter = JSON.stringify({ _id: { $gt: 'k10', $lte: 'k40' }, even: true });
  const within = keys.filter((key) => key > 'k10' && key <= 'k40' && Number(key.slice(1)) % 2 === 0);
  t.deepEqual((await pagesOf('both_ways', { limit: '4', filter })).flat(), within);
  t.deepEqual(await pagesOf('both_ways', { limit: '20', filter, sort: '-_id' }), [[...within].reverse()]);
  t.deepEqual(
    (await pagesOf('both_ways', { limit: '4', filter, sort: '-_id' })).flat(),
    [...within].reverse(),
  );
  t.deepEqual(ids(await list('both_ways', { sort: '-_id', offset: '48' })), ['k01', 'k00']);
});

test('one id, the ids with a prefix, and an empty range are ranges of ids', async (t) => {
  await fill(
    'ranges',
    ['user/1', 'user/2', 'user0', 'use', 'order/1', 'é'].map((_id) => ({ _id })),
  );
  const found = async (condition: unknown): Promise<unknown[]> =>
    ids(await list('ranges', { filter: JSON.stringify({ _id: condition }) }));
  t.deepEqual(await found('user/2'), ['user/2']);
  t.deepEqual(await found('nobody'), []);
  t.deepEqual(await found({ $gte: 'user/', $lt: 'user0' }), ['user/1', 'user/2']);
  t.deepEqual(await found({ $gt: 'user0' }), ['é']);
  t.deepEqual(await found({ $gt: 'b', $lt: 'a' }), []);
  t.deepEqual(await found({ $in: ['use', 'é'] }), ['use', 'é']);
  t.deepEqual(await found({ $gt: 5 }), []);
  t.deepEqual(ids(await list('ranges', { _id: 'use' })), ['use']);
});

test('a cursor neither repeats nor misses documents that were there all the time', async (t) => {
  const steady = Array.from({ length: 200 }, (_, i) => `${String(i).padStart(3, '0')}-steady`);
  await fill(
    'moving',
    steady.map((_id) => ({ _id })),
  );
  let writing = true;
  const writer = (async () => {
    for (let i = 0; writing; i++) {
      const key = `${String((i * 37) % 200).padStart(3, '0')}-${i % 2 === 0 ? 'aa' : 'zz'}`;
      await server.put(`/api/v1/moving/${key}`, { i });
      await server.request('DELETE', `/api/v1/moving/${key}`);
    }
  })();
  for (let round = 0; round < 5; round++) {
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await list('moving', { limit: '7', ...(cursor === undefined ? {} : { cursor }) });
      seen.push(...(ids(page) as string[]));
      cursor = (page.pagination['next_cursor'] as string | null) ?? undefined;
    } while (cursor !== undefined);
    t.deepEqual(
      seen.filter((id) => id.endsWith('-steady')),
      steady,
    );
    t.is(new Set(seen).size, seen.length);
  }
  writing = false;
  await writer;
});

test('filters compare with $gt $gte $lt $lte $ne $in, by equality, and inside objects', async (t) => {
  await fill('filters', people);
  const cases: [object, string[]][] = [
    [{ status: 'active' }, ['ann', 'cid']],
    [{ age: { $gt: 20 } }, ['ann', 'bob']],
    [{ age: { $gte: 20, $lt: 40 } }, ['ann', 'cid']],
    [{ age: { $lte: 20 } }, ['cid']],
    [{ status: { $ne: 'active' } }, ['bob', 'dee']],
    [{ status: { $in: ['idle', 'gone'] } }, ['bob', 'dee']],
    [{ 'address.city': 'Ulm', age: 30 }, ['ann']],
    [{ at: null }, ['dee']],
    [{ at: { $gt: '2026-01-01' } }, ['ann', 'cid']],
  ];
  for (const [filter, expected] of cases) {
    const page = await list('filters', { filter: JSON.stringify(filter) });
    t.deepEqual(ids(page), expected, JSON.stringify(filter));
  }
});

test('plain parameters filter by equality, as a number and as text', async (t) => {
  await fill('plain', people);
  t.deepEqual(ids(await list('plain', { status: 'active' })), ['ann', 'cid']);
  t.deepEqual(ids(await list('plain', { age: '30' })), ['ann', 'dee']);
  t.deepEqual(ids(await list('plain', { status: 'active', age: '20' })), ['cid']);
  t.deepEqual(ids(await list('plain', { status: 'nobody' })), []);
});

test('documents are sorted by a field in either direction, with a total', async (t) => {
  await fill('sorted', people);
  const descending = await list('sorted', { sort: '-at', limit: '2' });
  t.deepEqual(ids(descending), ['ann', 'cid']);
  t.like(descending.pagination, { has_more: true, total: 4 });
  t.deepEqual(ids(await list('sorted', { sort: 'at' })), ['dee', 'bob', 'cid', 'ann']);
  t.deepEqual(ids(await list('sorted', { sort: '-at', offset: '2' })), ['bob', 'dee']);
  t.deepEqual(ids(await list('sorted', { sort: '-_id' })), ['dee', 'cid', 'bob', 'ann']);
  t.deepEqual(ids(await list('sorted', { sort: 'address.city' })), ['dee', 'bob', 'ann', 'cid']);
});

test('fields picks members, also inside objects', async (t) => {
  await fill('fields', people);
  const page = await list('fields', { fields: 'age,address.city', limit: '1' });
  t.like(page.data[0], { age: 30, address: { city: 'Ulm' } });
  t.false('status' in page.data[0]);
});

test('a list that makes no sense is refused with the parameter named', async (t) => {
  await fill('refused', people);
  const cases: [string, string][] = [
    ['limit=0', 'limit'],
    ['limit=1001', 'limit'],
    ['limit=x', 'limit'],
    ['offset=-1', 'offset'],
    ['cursor=nonsense', 'cursor'],
    ['cursor=k1.', 'cursor'],
    ['filter=%7B', 'filter'],
    ['filter=[1]', 'filter'],
    [`filter=${encodeURIComponent('{"a":{"$near":1}}')}`, '$near'],
    ['sort=a,b', 'sort'],
    ['limit=1&limit=2', 'limit'],
    ['sort=a&cursor=k1.YQ', 'cursor'],
    ['fields=a..b', 'fields'],
  ];
  for (const [query, named] of cases) {
    const answer = await server.get(`/api/v1/refused?${query}`);
    t.is(answer.status, 400, query);
    t.true(answer.text.includes(named), answer.text);
  }
  t.is((await server.get('/api/v1/nowhere')).status, 404);
});
