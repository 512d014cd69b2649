import test from 'ava';
import { TestServer } from '../support/server.js';
import { noise, SMALL_LSM } from '../support/small-lsm.js';
import { WAIT_MS_MAX } from '../support/time.js';

const LIVE = 400;
const STILL = 12_000;
const BATCH = 40;
const liveKey = (n: number): string => `m${String(n * 31).padStart(6, '0')}`;
const stillKey = (n: number): string => `m${String(n).padStart(6, '0')}s`;

async function bulk(server: TestServer, documents: readonly unknown[]): Promise<void> {
  const answer = await server.request('POST', '/api/v1/c/bulk', { body: { documents } });
  if (answer.status !== 200) throw new Error(`bulk: ${answer.status} ${answer.text.slice(0, 300)}`);
}

/** All live documents get version `round`, in the order of their keys. */
async function writeRound(server: TestServer, round: number): Promise<void> {
  for (let from = 0; from < LIVE; from += BATCH) {
    const documents = Array.from({ length: BATCH }, (_, i) => {
      const n = from + i;
      return { _id: liveKey(n), live: true, round, pad: noise(round * LIVE + n, 2500) };
    });
    await bulk(server, documents);
  }
}

/**
 * One writer gives all live documents the next round, in the order of their keys. So whatever moment a list shows, its
 * rounds fall at most once from one document to the next, and by one: anything else is a mixture of moments.
 */
function faultOf(rounds: readonly number[]): string | undefined {
  if (rounds.length !== LIVE) return `${rounds.length} documents`;
  const steps = rounds.slice(1).filter((round, i) => round !== rounds[i]);
  const isOneMoment = steps.length === 0 || (steps.length === 1 && rounds[0] - steps[0] === 1);
  return isOneMoment ? undefined : `rounds ${rounds[0]}, ${steps}`;
}

test('a long list shows one moment, however many memtables are filled, flushed and recycled meanwhile', async (t) => {
  const server = await TestServer.start({ env: { ...SMALL_LSM, LUMADB_MEMORY__MEMTABLES_MAX: '3' } });
  t.teardown(() => server.close());
  for (let from = 0; from < STILL; from += 500) {
    const documents = Array.from({ length: 500 }, (_, i) => ({ _id: stillKey(from + i), live: false }));
    await bulk(server, documents);
  }
  await writeRound(server, 0);
  const flushes = () => server.metric('lumadb_memtable_flushes_total{shard="0"}');
  const flushesBefore = await flushes();
  let round = 0;
  let isWriting = true;
  const writer = (async () => {
    while (isWriting) await writeRound(server, ++round);
  })();
  const filter = encodeURIComponent(JSON.stringify({ live: true }));
  let overtaken = 0;
  let lists = 0;
  const recycled = async (): Promise<number> => (await flushes()) - flushesBefore;
  const end = performance.now() + 2 * WAIT_MS_MAX;
  // More memtables than there are, so that their slots have been used again.
  while (performance.now() < end && (lists < 20 || overtaken === 0 || (await recycled()) < 6)) {
    lists++;
    const before = round;
    const answer = await server.get(`/api/v1/c?limit=1000&filter=${filter}&fields=round`);
    t.is(answer.status, 200, answer.text.slice(0, 300));
    const rounds = (answer.json.data as { round: number }[]).map((document) => document.round);
    t.is(faultOf(rounds), undefined);
    t.true(rounds[0] >= before - 1, 'nothing older than what was there when it began');
    if (round > Math.max(...rounds)) overtaken++;
  }
  isWriting = false;
  await writer;
  t.log(`${lists} lists, ${round} rounds of writes, ${await recycled()} memtables flushed`);
  t.true((await recycled()) >= 6, 'three memtables were recycled several times');
  t.true(overtaken > 0, 'a list shows the moment at which it began');
});
