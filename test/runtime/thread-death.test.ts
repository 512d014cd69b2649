import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { WriteOutcome, WriteReplyEncoder } from '../../src/batch/write-reply.js';
import { DoorbellRinger } from '../../src/shm/doorbell.js';
import { RingWriter } from '../../src/shm/ring-writer.js';
import type { Answer, HttpCaller } from '../support/http.js';
import { type InProcessServer, startInProcess } from '../support/in-process.js';
import { until } from '../support/time.js';

const GONE = { status: 0 } as Answer;
const put = (http: HttpCaller, key: string, body: unknown): Promise<Answer> =>
  http.request('PUT', `/api/v1/c/${key}`, { body });
const tryPut = (http: HttpCaller, key: string, body: unknown): Promise<Answer> =>
  put(http, key, body).catch(() => GONE);

const isReady = ({ http }: InProcessServer): Promise<boolean> =>
  http.request('GET', '/ready').then(
    ({ status }) => status === 200,
    () => false,
  );

function shardWorker({ supervisor }: InProcessServer, shard: number) {
  const worker = supervisor.shards[shard].incarnation?.thread.worker;
  if (worker === undefined) throw new Error(`shard ${shard} has no thread`);
  return worker;
}

test('a shard thread that dies answers what is under way with 503 and comes back with everything acknowledged', async (t) => {
  const running = await startInProcess(t);
  const { http } = running;
  const acknowledged = new Map<string, number>();
  const refused: Answer[] = [];
  for (let death = 0; death < 4; death++) {
    let writing = true;
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let n = 0; writing; n++) {
        const key = `w${writer}-${n % 10}`;
        const version = death * 1_000_000 + n;
        const start = performance.now();
        const answer = await tryPut(http, key, { version });
        t.true(performance.now() - start < 30_000, 'no write hangs');
        if (answer.status < 300) acknowledged.set(key, version);
        else {
          refused.push(answer);
          await delay(5);
        }
      }
    });
    await delay(150);
    const before = refused.length;
    await shardWorker(running, 0).terminate();
    await until('somebody was refused', async () => refused.length > before);
    const health = await http.request('GET', '/health');
    if (health.status === 503) t.regex(health.text, /shard 0 died/);
    await until('the shard serves again', () => isReady(running));
    await delay(50);
    writing = false;
    await Promise.all(writers);
    for (const [key, version] of acknowledged) {
      const { json } = await http.request('GET', `/api/v1/c/${key}`);
      t.true(json.version >= version, `${key}: ${json.version} < ${version}`);
    }
  }
  for (const { status, json, headers } of refused) {
    t.is(status, 503);
    t.is(json.error.code, 'UNAVAILABLE');
    t.regex(json.error.message, /shard 0 died|is being recovered|is starting/);
    t.truthy(headers['retry-after']);
  }
  t.log(`${refused.length} writes were refused over 4 deaths`);
});

test('while one shard is down the others serve, and reads of it say why', async (t) => {
  const running = await startInProcess(t, { LUMADB_SHARDING__SHARDS: '3' });
  const { http, supervisor } = running;
  for (let i = 0; i < 30; i++) t.is((await put(http, `k${i}`, { i })).status, 201);
  // Before a shard starts again its compactor is discarded: that takes as long as the test has to look at the one that is down.
  const { compactor } = supervisor.shards[1];
  const discard = compactor.discard.bind(compactor);
  let letStart = (): void => {};
  const mayStart = new Promise<void>((resolve) => {
    letStart = resolve;
  });
  t.teardown(() => letStart());
  compactor.discard = () => mayStart.then(discard);
  await shardWorker(running, 1).terminate();
  await until('the shard is down', async () => !(await isReady(running)));
  const answers = await Promise.all(
    Array.from({ length: 30 }, (_, i) => http.request('GET', `/api/v1/c/k${i}`)),
  );
  const down = answers.filter(({ status }) => status === 503);
  t.true(down.length > 2 && down.length < 28, `${down.length} of 30`);
  for (const answer of down) t.regex(answer.json.error.message, /shard 1 died/);
  t.true(answers.every(({ status }) => status === 200 || status === 503));
  const list = await http.request('GET', '/api/v1/c');
  t.is(list.status, 503, 'a list must not miss the documents of a shard silently');
  const ready = await http.request('GET', '/ready');
  t.regex(ready.json.reason, /shard 1 died/);
  const status = await http.request('GET', '/status');
  t.like(status.json.shards[1], { state: 'down' });
  t.regex(status.json.shards[1].cause, /died/);
  letStart();
  await until('all shards serve', () => isReady(running));
  t.is((await http.request('GET', '/api/v1/c?limit=100')).json.data.length, 30);
  const { json } = await put(http, 'later', {});
  t.true(json._seq > 30);
});

test('a front that fails closes its sockets, is started again on the same port, and nothing is lost', async (t) => {
  const running = await startInProcess(t);
  const { http, supervisor } = running;
  for (let i = 0; i < 20; i++) t.is((await put(http, `k${i}`, { i })).status, 201);
  for (let death = 0; death < 3; death++) {
    const thread = supervisor.fronts[0].thread;
    const link = supervisor.shards[0].incarnation?.links.get(0)?.link;
    if (thread === undefined || link === undefined) throw new Error('the front is not connected');
    // A reply to a batch that nobody sent cannot happen: the front takes it for a bug and ends.
    const outcome = new WriteOutcome();
    outcome.begin(0);
    const reply = new WriteReplyEncoder().encode(0xfffffff0, 1, 1, outcome);
    new RingWriter(link.replies).push(reply, reply.length);
    new DoorbellRinger(link.frontDoorbell).ring();
    const inFlight = Array.from({ length: 10 }, (_, i) => tryPut(http, `death${death}-${i}`, {}));
    await thread.exited;
    const answers = await Promise.all(inFlight);
    await until('the front serves again', () => isReady(running));
    for (const [i, { status }] of answers.entries()) {
      if (status !== 201) continue;
      t.is((await http.request('GET', `/api/v1/c/death${death}-${i}`)).status, 200);
    }
  }
  for (let i = 0; i < 20; i++) t.is((await http.request('GET', `/api/v1/c/k${i}`)).json.i, i);
  t.is((await put(http, 'after', {})).status, 201);
});

test('a compactor that dies is not missed by writes', async (t) => {
  const running = await startInProcess(t);
  const { http, supervisor } = running;
  t.is((await put(http, 'a', {})).status, 201);
  await supervisor.shards[0].compactor.thread?.worker.terminate();
  const pad = 'x'.repeat(100_000);
  for (let i = 0; i < 40; i++) t.is((await put(http, `k${i}`, { pad })).status, 201);
  t.is((await http.request('GET', '/health')).status, 200);
});
