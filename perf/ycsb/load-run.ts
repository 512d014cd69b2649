/** A load generator in a process of its own, one thread. Argument: a YcsbLoad; prints a YcsbReport. */
import { printReport } from '../child-process.js';
import { type CoresUsed, watchCores } from '../cores-used.js';
import { driveHttp } from './http-driver.js';
import { LatencyBook } from './latency-book.js';
import type { LoadContext, YcsbLoad, YcsbReport } from './load.js';
import { BodyMaker } from './records.js';
import { RequestSource } from './request-source.js';
import { workloadOf } from './workloads.js';
import { driveWs } from './ws-driver.js';

const load = JSON.parse(process.argv[2]) as YcsbLoad;

async function run(): Promise<YcsbReport> {
  const source = new RequestSource(workloadOf(load.workload), load.records, load.seed);
  const bodies = new BodyMaker(load.seed);
  const book = new LatencyBook();
  let cores: (() => CoresUsed) | undefined;
  const begin = (): void => {
    const fromMs = performance.now() + load.warmUpSeconds * 1000;
    book.open(fromMs, fromMs + load.seconds * 1000);
    cores = watchCores(load.serverPid, load.warmUpSeconds * 1000);
  };
  const context: LoadContext = { load, source, bodies, book, refused: 0, begin };
  await (load.transport === 'http' ? driveHttp(context) : driveWs(context));
  const used = cores?.();
  if (used === undefined) throw new Error('the driver did not begin');
  const latency = book.figures();
  if (Object.keys(latency).length === 0) throw new Error('not one operation began after the warm-up');
  return {
    opsPerSecond: book.operations / load.seconds,
    latency,
    refused: context.refused,
    records: source.records.limit,
    ...used,
  };
}

printReport(await run());
