import test, { type ExecutionContext } from 'ava';
import type { Answer } from '../support/http.js';
import { TestServer } from '../support/server.js';

let server: TestServer;
test.before(async () => {
  server = await TestServer.start();
});
test.after.always(() => server?.close());

const etagOf = ({ headers }: Answer): number => Number(/^"(\d+)"$/.exec(headers.etag ?? '')?.[1]);

/** The contract's error body, with the request id of the header. */
function isError(t: ExecutionContext, answer: Answer, status: number, code: string, message: RegExp): void {
  t.is(answer.status, status, answer.text);
  const { error } = answer.json;
  t.is(error.code, code);
  t.regex(error.message, message);
  t.is(error.request_id, answer.headers['x-request-id']);
  t.is(answer.headers['content-type'], 'application/json');
}

test('a PUT creates with 201, replaces with 200, and each version has a higher ETag', async (t) => {
  const created = await server.put('/api/v1/put/a', { n: 1 });
  t.is(created.status, 201);
  t.deepEqual(Object.keys(created.json), ['_id', '_seq']);
  t.is(created.json._id, 'a');
  t.is(created.json._seq, etagOf(created));
  const replaced = await server.put('/api/v1/put/a', { n: 2 });
  t.is(replaced.status, 200);
  t.true(etagOf(replaced) > etagOf(created));
  const read = await server.get('/api/v1/put/a');
  t.is(read.status, 200);
  t.is(read.headers['content-type'], 'application/json');
  t.is(etagOf(read), etagOf(replaced));
  t.deepEqual(read.json, { _id: 'a', n: 2 });
});

test('documents come back as the text they were, with every digit of a number', async (t) => {
  const text =
    '{"_id":"exact","big":9223372036854775807,"u":18446744073709551615, "f":1.10e-07,"s":"\\u00e9é"}';
  t.is((await server.put('/api/v1/exact/exact', text)).status, 201);
  t.is((await server.get('/api/v1/exact/exact')).text, text);
});

test('POST generates an id, takes the one of the document, and answers 409 when it exists', async (t) => {
  const generated = await server.request('POST', '/api/v1/post', { body: { n: 1 } });
  t.is(generated.status, 201);
  t.regex(generated.json._id, /^[\w-]{10,64}$/);
  t.deepEqual((await server.get(`/api/v1/post/${generated.json._id}`)).json, {
    _id: generated.json._id,
    n: 1,
  });
  const named = await server.request('POST', '/api/v1/post', { body: { _id: 'mine', n: 2 } });
  t.is(named.status, 201);
  t.is(named.json._id, 'mine');
  const again = await server.request('POST', '/api/v1/post', { body: { _id: 'mine', n: 3 } });
  isError(t, again, 409, 'CONFLICT', /exists already/);
  t.is((await server.get('/api/v1/post/mine')).json.n, 2);
});

test('If-Match writes only the version it names, If-None-Match: * only what is absent; else 412', async (t) => {
  const first = await server.put('/api/v1/cond/a', { n: 1 }, { 'if-none-match': '*' });
  t.is(first.status, 201);
  isError(
    t,
    await server.put('/api/v1/cond/a', { n: 2 }, { 'if-none-match': '*' }),
    412,
    'PRECONDITION_FAILED',
    /If-None-Match/,
  );
  const second = await server.put('/api/v1/cond/a', { n: 3 }, { 'if-match': first.headers.etag ?? '' });
  t.is(second.status, 200);
  for (const method of ['PUT', 'PATCH', 'DELETE']) {
    const stale = await server.request(method, '/api/v1/cond/a', {
      body: method === 'DELETE' ? undefined : { n: 4 },
      headers: { 'if-match': first.headers.etag ?? '' },
    });
    isError(t, stale, 412, 'PRECONDITION_FAILED', /If-Match/);
  }
  t.is((await server.get('/api/v1/cond/a')).json.n, 3);
  isError(
    t,
    await server.put('/api/v1/cond/absent', {}, { 'if-match': '*' }),
    412,
    'PRECONDITION_FAILED',
    /If-Match/,
  );
  for (const bad of ['7', '"a"', '"1", "2"', 'W/"1"']) {
    isError(
      t,
      await server.put('/api/v1/cond/a', {}, { 'if-match': bad }),
      400,
      'VALIDATION_ERROR',
      /If-Match/,
    );
  }
});

test('a GET with the current ETag in If-None-Match is answered 304 without a body', async (t) => {
  const { headers } = await server.put('/api/v1/cached/a', { n: 1 });
  const fresh = await server.request('GET', '/api/v1/cached/a', {
    headers: { 'if-none-match': `"0", ${headers.etag}` },
  });
  t.is(fresh.status, 304);
  t.is(fresh.text, '');
  t.is(fresh.headers.etag, headers.etag);
  await server.put('/api/v1/cached/a', { n: 2 });
  const changed = await server.request('GET', '/api/v1/cached/a', {
    headers: { 'if-none-match': headers.etag ?? '' },
  });
  t.is(changed.status, 200);
});

test('PATCH merges members, removes nulls, replaces arrays, and leaves untouched numbers exact', async (t) => {
  await server.put('/api/v1/patch/a', '{"n":9007199254740993,"o":{"x":1,"y":[1,2]},"gone":true}');
  const patched = await server.request('PATCH', '/api/v1/patch/a', {
    body: '{"o":{"y":[3],"z":12345678901234567890},"gone":null,"new":{"deep":{"er":null}}}',
  });
  t.is(patched.status, 200);
  t.is(
    (await server.get('/api/v1/patch/a')).text,
    '{"_id":"a","n":9007199254740993,"o":{"x":1,"y":[3],"z":12345678901234567890},"new":{"deep":{}}}',
  );
  isError(
    t,
    await server.request('PATCH', '/api/v1/patch/none', { body: {} }),
    404,
    'NOT_FOUND',
    /does not exist/,
  );
  isError(
    t,
    await server.request('PATCH', '/api/v1/patch/a', { body: { _id: 'b' } }),
    400,
    'VALIDATION_ERROR',
    /_id/,
  );
  isError(
    t,
    await server.request('PATCH', '/api/v1/patch/a', { body: [1] }),
    400,
    'VALIDATION_ERROR',
    /at byte 0/,
  );
});

test('a document is deleted once, and is then not found', async (t) => {
  await server.put('/api/v1/del/a', {});
  const deleted = await server.request('DELETE', '/api/v1/del/a');
  t.is(deleted.status, 200);
  t.is(deleted.json._id, 'a');
  isError(t, await server.request('DELETE', '/api/v1/del/a'), 404, 'NOT_FOUND', /does not exist/);
  isError(t, await server.get('/api/v1/del/a'), 404, 'NOT_FOUND', /no document with _id "a"/);
  isError(t, await server.get('/api/v1/nowhere/a'), 404, 'NOT_FOUND', /collection "nowhere" does not exist/);
  isError(t, await server.request('DELETE', '/api/v1/nowhere/a'), 404, 'NOT_FOUND', /does not exist/);
  t.is((await server.put('/api/v1/del/a', {})).status, 201);
});

test('the _id in the body must be the one in the path', async (t) => {
  t.is((await server.put('/api/v1/ids/a', { _id: 'a' })).status, 201);
  isError(t, await server.put('/api/v1/ids/a', { _id: 'b' }), 400, 'VALIDATION_ERROR', /_id/);
  for (const _id of [7, null, { a: 1 }, ''])
    isError(
      t,
      await server.request('POST', '/api/v1/ids', { body: { _id } }),
      400,
      'VALIDATION_ERROR',
      /_id/,
    );
});

test('JSON is parsed whatever the content type says', async (t) => {
  for (const type of ['', 'application/json', 'text/plain', 'application/x-www-form-urlencoded']) {
    const headers: Record<string, string> = type === '' ? {} : { 'content-type': type };
    t.is((await server.put('/api/v1/types/a', { type }, headers)).status, type === '' ? 201 : 200);
    t.is((await server.get('/api/v1/types/a')).json.type, type);
  }
});

test('the durability of a write is asked for and answered by header', async (t) => {
  t.is((await server.put('/api/v1/dur/a', {})).headers['x-lumadb-durability'], 'always');
  for (const level of ['always', 'group', 'os']) {
    const answer = await server.put('/api/v1/dur/a', {}, { 'x-lumadb-durability': level });
    t.is(answer.status, 200);
    t.is(answer.headers['x-lumadb-durability'], level);
  }
  const answer = await server.put('/api/v1/dur/a', {}, { 'x-lumadb-durability': 'never' });
  isError(t, answer, 400, 'VALIDATION_ERROR', /always, group or os/);
});

test('HEAD answers like GET without a body, for documents and for errors', async (t) => {
  const { headers } = await server.put('/api/v1/head/a', { text: 'x'.repeat(5000) });
  const { body } = await server.get('/api/v1/head/a');
  const found = await server.request('HEAD', '/api/v1/head/a');
  t.is(found.status, 200);
  t.is(found.headers.etag, headers.etag);
  t.is(Number(found.headers['content-length']), body.length);
  for (const [path, status] of [
    ['/api/v1/head/none', 404],
    ['/api/v1/nowhere/a', 404],
    ['/api/v1/head/%zz', 400],
    ['/api/v1/head', 405],
    ['/nowhere', 404],
  ] as const) {
    const answer = await server.request('HEAD', path);
    t.is(answer.status, status, path);
    t.is(answer.text, '');
    t.truthy(answer.headers['x-request-id']);
    t.true(Number(answer.headers['content-length']) > 0);
  }
});
