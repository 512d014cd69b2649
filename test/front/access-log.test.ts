/** Lines on their way from a front to the main thread: memory that is used again, and lines that find no room. */

import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import { AccessLog, logAnswer } from '../../src/front/access-log.js';

interface Sent {
  readonly lines: Uint8Array;
  readonly written: (isFree: boolean) => void;
}

function accessLog(t: ExecutionContext, clock = new ManualClock()) {
  const sent: Sent[] = [];
  const log = new AccessLog({
    level: () => 'all',
    wallMs: () => clock.wallMs(),
    monotonicMs: () => clock.monotonicMs(),
    send: (lines) => new Promise((written) => sent.push({ lines, written })),
  });
  t.teardown(() => log.close());
  const begin = (url: string): HttpResponse => {
    const res = {} as HttpResponse;
    const req = { getUrl: () => url, getMethod: () => 'get', getQuery: () => '' } as unknown as HttpRequest;
    log.begin(res, req, '192.0.2.7', 'ann', 'get');
    return res;
  };
  const request = (url: string): void => logAnswer(begin(url), 200, 7, 'id');
  return { log, sent, begin, request, clock };
}

const textOf = ({ lines }: Sent): string => Buffer.from(lines).toString('latin1');

test('a line has what its own request was, although the records of requests are used again', (t) => {
  const { log, sent, begin, request, clock } = accessLog(t);
  const slow = begin('/slow');
  request('/first');
  clock.advance(3);
  request('/second');
  logAnswer(slow, 404, 9, 'slow-id', 'not here');
  // Answered already: this says nothing of the request that has its record now.
  logAnswer(slow, 500, 0, 'twice');
  log.flush();
  const lines = textOf(sent[0]).trimEnd().split('\n');
  t.is(lines.length, 3);
  t.regex(lines[0], /^192\.0\.2\.7 - ann \[2023-11-14T22:13:20\.000Z\] "GET \/first" 200 7 0 id$/);
  t.regex(lines[1], /\.003Z\] "GET \/second" 200 7 0 id$/);
  t.regex(lines[2], /\.003Z\] "GET \/slow" 404 9 3000 slow-id "not here"$/);
});

test('memory is written to again once its lines are in the file, and never when somebody may still read it', async (t) => {
  const { log, sent, request } = accessLog(t);
  const next = async (url: string, isFree: boolean): Promise<ArrayBufferLike> => {
    request(url);
    log.flush();
    const last = sent[sent.length - 1];
    last.written(isFree);
    await Promise.resolve();
    return last.lines.buffer;
  };
  const first = await next('/1', true);
  const second = await next('/2', false);
  t.not(second, first);
  const later = [await next('/3', true), await next('/4', true), await next('/5', true)];
  t.true(later.includes(first));
  t.false(later.includes(second));
  t.regex(textOf(sent[1]), /"GET \/2"/);
});

test('lines that find no room are counted in the log', async (t) => {
  const { log, sent, request } = accessLog(t);
  for (let i = 0; i < 20; i++) {
    request(`/${i}`);
    log.flush();
  }
  const before = sent.length;
  t.true(before < 20);
  for (const { written } of sent) written(true);
  await Promise.resolve();
  request('/late');
  log.flush();
  log.flush();
  t.regex(sent.slice(before).map(textOf).join(''), new RegExp(`"${20 - before} lines were dropped"`));
});
