import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { HttpCaller } from '../support/http.js';
import { auditLedger, Load } from '../support/load.js';
import { TestServer } from '../support/server.js';

const env = { LUMADB_SHARDING__SHARDS: '3', LUMADB_SERVER__FRONT_THREADS: '2' };

test('three shards and two fronts behave as one database, across kill -9', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const load = new Load(t, 'always,group');
  for (let round = 0; round < 2; round++) {
    const idle = load.startOn(server);
    const before = load.ledger.count;
    await server.until('the load runs', () => load.ledger.count > before + 300);
    await server.kill9();
    await idle;
    await server.restart();
    t.deepEqual(await auditLedger(server, load.ledger), []);
  }
  const connections = (await server.get('/metrics')).text.match(/^lumadb_connections\{front="\d"\} \d+$/gm);
  t.is(connections?.length, 2);
  t.is((await server.get('/status')).json.shards.length, 3);
});

test('what one front has answered, the other front knows: writes, new collections and dropped ones', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  // Each caller keeps its connections, and the kernel spreads them over the fronts.
  const callers = Array.from({ length: 8 }, () => new HttpCaller(server.port));
  t.teardown(() =>
    callers.forEach((caller) => {
      caller.close();
    }),
  );
  for (let round = 0; round < 60; round++) {
    const name = `c${round}`;
    const writer = callers[round % callers.length];
    t.is((await writer.request('PUT', `/api/v1/${name}/k`, { body: { round } })).status, 201);
    const reads = await Promise.all(callers.map((caller) => caller.request('GET', `/api/v1/${name}/k`)));
    t.deepEqual(
      reads.map(({ status }) => status),
      callers.map(() => 200),
      `round ${round}`,
    );
    t.is((await writer.request('DELETE', `/api/v1/collections/${name}`)).status, 200);
    const gone = await Promise.all(callers.map((caller) => caller.request('GET', `/api/v1/${name}/k`)));
    t.deepEqual(
      gone.map(({ status }) => status),
      callers.map(() => 404),
      `round ${round}`,
    );
  }
});

/** LONG=1: half a minute, as long as faults.md asks for. */
const STOPPED_MS = process.env['LONG'] === '1' ? 30_000 : 3000;

test('a server that is stopped for seconds goes on where it was', async (t) => {
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const load = new Load(t, 'always');
  const idle = load.startOn(server);
  await server.until('the load runs', () => load.ledger.count > 100);
  server.signal('SIGSTOP');
  await delay(STOPPED_MS);
  server.signal('SIGCONT');
  const before = load.ledger.count;
  await server.until('the load goes on', () => load.ledger.count > before + 100);
  t.is((await server.get('/health')).status, 200);
  await server.kill9();
  await idle;
  await server.restart();
  t.deepEqual(await auditLedger(server, load.ledger), []);
});
