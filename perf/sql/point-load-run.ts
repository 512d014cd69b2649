/**
 * A generator of small requests in a process of its own, one thread: closed loop, one request under way per connection, the
 * same loop for both peers. Argument: a PointLoad; prints a PointReport.
 */
import { createHistogram } from 'node:perf_hooks';
import { createPrng } from '../../src/base/prng.js';
import { printReport } from '../child-process.js';
import { percentilesMs, recordMs } from '../latency.js';
import { watchTreeCpu } from '../process-tree.js';
import { watchCpu } from '../process-usage.js';
import { COMPARISONS } from './comparisons.js';
import type { Draw } from './data.js';
import { LumaClient } from './luma-client.js';
import type { PointLoad, PointReport } from './point-load.js';
import { connectPostgres } from './postgres-server.js';
import { PutClient } from './put-client.js';

const load = JSON.parse(process.argv[2]) as PointLoad;
const prng = createPrng(load.seed);
const draw: Draw = { documents: load.documents, below: prng.nextBelow };

/** One connection. `ask` makes one request and gives the number of its rows. */
interface Connection {
  readonly ask: () => Promise<number>;
  readonly close: () => unknown;
}

async function openConnection(): Promise<Connection> {
  const { peer, port, what, documents } = load;
  if (what === 'put') {
    const client = await PutClient.open(port, documents);
    return { ask: () => client.put(prng.nextBelow(documents)), close: () => client.close() };
  }
  const comparison = COMPARISONS[what];
  if (peer === 'lumadb') {
    const client = await LumaClient.open(port);
    const ask = async (): Promise<number> =>
      (await client.query(comparison.lumadb, comparison.params(draw))).rows.length;
    return { ask, close: () => client.close() };
  }
  const client = await connectPostgres(port);
  // With a name, the statement is prepared once per connection.
  const ask = async (): Promise<number> => {
    const values = [...comparison.params(draw)];
    return (await client.query({ name: what, text: comparison.postgres, values })).rows.length;
  };
  return { ask, close: () => client.end() };
}

async function run(): Promise<PointReport> {
  const { clients, warmUpSeconds, seconds, serverPid, what } = load;
  const connections = await Promise.all(Array.from({ length: clients }, openConnection));
  const latencyNs = createHistogram();
  const fromMs = performance.now() + warmUpSeconds * 1000;
  const toMs = fromMs + seconds * 1000;
  let operations = 0;
  let rows = 0;
  let usage: (() => [number, number]) | undefined;
  let used = [0, 0];
  const timer = setTimeout(() => {
    const [server, client] = [watchTreeCpu(serverPid), watchCpu(process.pid)];
    usage = () => [server(), client()];
  }, warmUpSeconds * 1000);
  const runLane = async ({ ask }: Connection): Promise<void> => {
    for (let now = performance.now(); now < toMs; ) {
      const startMs = now;
      const count = await ask();
      now = performance.now();
      if (count === 0) throw new Error(`a request of ${what} gave no rows`);
      if (startMs < fromMs) continue;
      recordMs(latencyNs, now - startMs);
      if (now > toMs) continue;
      operations++;
      rows += count;
    }
    // The first to be done tells; the others only end what they have under way.
    if (usage !== undefined) used = usage();
    usage = undefined;
  };
  await Promise.all(connections.map(runLane));
  clearTimeout(timer);
  await Promise.all(connections.map(({ close }) => close()));
  if (operations === 0) throw new Error(`not one request of ${what} was answered in time`);
  return {
    opsPerSecond: operations / seconds,
    rowsPerOp: rows / operations,
    ...percentilesMs(latencyNs),
    serverCores: used[0] / seconds,
    clientCores: used[1] / seconds,
  };
}

printReport(await run());
