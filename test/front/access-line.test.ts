import test from 'ava';
import { AccessLine, type AccessRequest, LINE_BYTES_MAX } from '../../src/front/access-line.js';

const TIME = Date.UTC(2026, 10, 25, 20, 46, 50, 382);
const REQUEST: AccessRequest = {
  address: '192.0.2.7',
  name: 'alice',
  method: 'get',
  url: '/api/v1/orders/1',
  query: '',
};

interface Outcome {
  readonly timeMs?: number;
  readonly status?: number;
  readonly bodyBytes?: number;
  readonly durationUs?: number;
  readonly message?: string;
}

function lineOf(line: AccessLine, request: Partial<AccessRequest> = {}, outcome: Outcome = {}): string {
  const { timeMs = TIME, status = 200, bodyBytes = 123, durationUs = 41, message = '' } = outcome;
  const bytes = Buffer.alloc(LINE_BYTES_MAX + 7);
  const end = line.write(
    bytes,
    7,
    { ...REQUEST, ...request },
    timeMs,
    status,
    bodyBytes,
    durationUs,
    'id-8',
    message,
  );
  return bytes.toString('utf8', 7, end);
}

test('a line has address, user, time, request, status, bytes, microseconds and id', (t) => {
  t.is(
    lineOf(new AccessLine()),
    '192.0.2.7 - alice [2026-11-25T20:46:50.382Z] "GET /api/v1/orders/1" 200 123 41 id-8\n',
  );
  t.is(
    lineOf(
      new AccessLine(),
      { name: '', method: 'post', query: 'a=1&b=2' },
      { status: 401, message: 'no "x"' },
    ),
    '192.0.2.7 - - [2026-11-25T20:46:50.382Z] "POST /api/v1/orders/1?a=1&b=2" 401 123 41 id-8 "no \\"x\\""\n',
  );
});

test('what the line before shared is not taken over where it differs', (t) => {
  const line = new AccessLine();
  lineOf(line);
  t.regex(lineOf(line, { address: '::1' }), /^::1 - alice /);
  t.regex(lineOf(line, { name: 'bob' }), /^192.0.2.7 - bob /);
  t.regex(lineOf(line, { method: 'del' }), /"DEL /);
  t.regex(lineOf(line, {}, { timeMs: TIME + 1 }), /50\.383Z/);
  t.regex(lineOf(line), /^192\.0\.2\.7 - alice \[2026-11-25T20:46:50\.382Z\] "GET /);
});

test('numbers are written in full', (t) => {
  for (const value of [0, 9, 10, 99, 100, 12_345, 2 ** 32, 999_999_999_999])
    t.regex(
      lineOf(new AccessLine(), {}, { bodyBytes: value, durationUs: value }),
      new RegExp(` ${value} ${value} id`),
    );
});

test('a client can neither end the line nor the quotes, nor make it endless', (t) => {
  const url = '/a"b\\c\nd\re\u001b[31m\u00ff';
  const line = lineOf(new AccessLine(), { url, query: 'x"y' });
  t.is(line.indexOf('\n'), line.length - 1);
  t.is(line.split('"').length - 1, 2);
  t.regex(line, /\/a\\u0022b\\u005cc\\u000ad\\u000de\\u001b\[31m\\u00ff\?x\\u0022y" 200/);
  const long = lineOf(
    new AccessLine(),
    { url: '"'.repeat(10_000), query: '"'.repeat(10_000) },
    { message: '\u0001'.repeat(5000) },
  );
  t.true(Buffer.byteLength(long) <= LINE_BYTES_MAX);
  t.true(long.endsWith('"\n'));
});
