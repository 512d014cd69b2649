/**
 * Load over WebSocket through our own client, in a process of its own: many connections, each with a few frames of many
 * operations under way. Every status is checked, and some of the documents. Argument: a WsLoad; prints a WsReport.
 */
import { createHistogram } from 'node:perf_hooks';
import { type ManyResult, WebSocketClient } from '../src/client/index.js';
import { printReport } from './child-process.js';
import { type CoresUsed, watchCores } from './cores-used.js';
import {
  COLLECTION,
  documentFault,
  documentTemplate,
  fillIn,
  keyOf,
  type PerfDocument,
} from './documents.js';
import { type Percentiles, percentilesMs, recordMs } from './latency.js';

export interface WsLoad {
  readonly url: string;
  readonly serverPid: number;
  readonly kind: 'get' | 'put';
  readonly connections: number;
  readonly frameOperations: number;
  readonly window: number;
  readonly keys: number;
  readonly documentBytes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

/** Latencies are of a frame, from the call to the answer of its last operation. */
export interface WsReport extends CoresUsed, Percentiles {
  readonly opsPerSecond: number;
  readonly operations: number;
}

const CHECK_EVERY_FRAMES = 64;

const load = JSON.parse(process.argv[2]) as WsLoad;
const latencyNs = createHistogram();
const keys = Array.from({ length: load.keys }, (_, i) => Buffer.from(keyOf(i)));
const template = documentTemplate('sock', load.documentBytes);
const documents =
  load.kind === 'put' ? Array.from({ length: load.keys }, (_, i) => Buffer.from(fillIn(template, i))) : [];

let measureFromMs = Number.POSITIVE_INFINITY;
let measureToMs = Number.POSITIVE_INFINITY;
let operations = 0;
let frames = 0;

function checkFrame(result: ManyResult, indexes: Uint32Array): void {
  const { statuses } = result;
  for (let i = 0; i < statuses.length; i++) {
    const status = statuses[i];
    if (status !== 200 && status !== 201) {
      throw new Error(`key ${keyOf(indexes[i])}: ${result.error(i)?.message ?? `status ${status}`}`);
    }
  }
  if (frames++ % CHECK_EVERY_FRAMES !== 0) return;
  const at = frames % statuses.length;
  if (!(result.seqnos[at] > 0)) throw new Error(`key ${keyOf(indexes[at])} has seqno ${result.seqnos[at]}`);
  if (load.kind === 'put') return;
  const document = result.document<PerfDocument & Record<string, never>>(at);
  const fault = document === undefined ? 'missing' : documentFault(document, indexes[at], load.documentBytes);
  if (fault !== undefined) throw new Error(`wrong document: ${fault}`);
}

/** One frame under way, again and again. */
async function runLane(client: WebSocketClient): Promise<void> {
  const indexes = new Uint32Array(load.frameOperations);
  const frameKeys: Buffer[] = new Array(load.frameOperations);
  const frameDocuments: Buffer[] = new Array(load.frameOperations);
  for (let now = performance.now(); now < measureToMs; ) {
    for (let i = 0; i < indexes.length; i++) {
      const index = Math.floor(Math.random() * load.keys);
      indexes[i] = index;
      frameKeys[i] = keys[index];
      if (load.kind === 'put') frameDocuments[i] = documents[index];
    }
    const startMs = now;
    const result = await (load.kind === 'get'
      ? client.getMany(COLLECTION, frameKeys)
      : client.putMany(COLLECTION, frameKeys, frameDocuments));
    now = performance.now();
    checkFrame(result, indexes);
    if (now < measureFromMs || now > measureToMs) continue;
    operations += indexes.length;
    recordMs(latencyNs, now - startMs);
  }
}

async function run(): Promise<WsReport> {
  // Nothing is repeated silently: a connection that breaks is a failure of the run.
  const options = { batchOperations: load.frameOperations, retries: 0, reconnectAttempts: 0 };
  const clients = await Promise.all(
    Array.from({ length: load.connections }, () => WebSocketClient.connect(load.url, options)),
  );
  measureFromMs = performance.now() + load.warmUpSeconds * 1000;
  measureToMs = measureFromMs + load.seconds * 1000;
  const cores = watchCores(load.serverPid, load.warmUpSeconds * 1000);
  await Promise.all(clients.flatMap((client) => Array.from({ length: load.window }, () => runLane(client))));
  const used = cores();
  await Promise.all(clients.map((client) => client.close()));
  if (operations === 0) throw new Error('not one frame was answered in time');
  return {
    opsPerSecond: operations / load.seconds,
    operations,
    ...percentilesMs(latencyNs),
    ...used,
  };
}

printReport(await run());
