import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { auditLedger, Load } from '../support/load.js';
import { seededPrng } from '../support/random.js';
import { TestServer } from '../support/server.js';

const WRITES_PER_KILL = 100;

/** Kills a server under load again and again; after every start everything acknowledged must be there. */
async function killRepeatedly(t: ExecutionContext, kills: number, levels: string): Promise<void> {
  const prng = seededPrng(t);
  const env = {
    LUMADB_SHARDING__SHARDS: '2',
    LUMADB_WAL__SEGMENT_SIZE: String(1024 * 1024),
    LUMADB_MEMORY__MEMTABLE_SIZE: String(32 * 1024 * 1024),
    LUMADB_MEMORY__MEMTABLES_MAX: '32',
  };
  const server = await TestServer.start({ env });
  t.teardown(() => server.close());
  const load = new Load(t, levels);
  let lastSeqno = 0;
  for (let kill = 1; kill <= kills; kill++) {
    const idle = load.startOn(server);
    const before = load.ledger.count;
    await server.until('the load runs', () => load.ledger.count > before + WRITES_PER_KILL);
    await delay(prng.nextBelow(400));
    await server.kill9();
    await idle;
    if (kill % 2 === 0) {
      // Once more, in the middle of the recovery or shortly after it.
      await server.restart({ waitUntilReady: false });
      await delay(150 + prng.nextBelow(500));
      await server.kill9();
    }
    await server.restart();
    t.deepEqual(await auditLedger(server, load.ledger), [], `after kill ${kill}`);
    const { json } = await server.put('/api/v1/probe/seqno', { kill });
    t.true(json._seq > load.ledger.lastSeqno && json._seq > lastSeqno, 'seqnos never go backwards');
    lastSeqno = json._seq;
  }
  t.log(`${load.ledger.count} acknowledged writes survived ${kills} kills`);
  t.true(load.ledger.count > kills * WRITES_PER_KILL);
  t.is((await server.stop()).code, 0);
  await server.restart();
  t.deepEqual(await auditLedger(server, load.ledger), [], 'after an orderly stop');
}

test('every write acknowledged as durable survives 6 times kill -9 under load', (t) =>
  killRepeatedly(t, 6, 'always'));

test('writes acknowledged with group and os durability survive kill -9 as well', (t) =>
  killRepeatedly(t, 3, 'always,group,os,group'));
