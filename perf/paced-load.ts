/**
 * HTTP load at a fixed rate, half GET and half PUT, in a process of its own. Open loop: request i is due at start + i /
 * rate, whatever became of those before it, and its latency counts from when it was due. A server that stalls is
 * charged for every request that had to wait meanwhile (no coordinated omission), in the server or in here.
 * Argument: a PacedLoad; prints a PacedReport.
 */
import { createHistogram } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { printReport } from './child-process.js';
import { type CoresUsed, watchCores } from './cores-used.js';
import { DOCUMENT_PATH, documentTemplate, fillIn } from './documents.js';
import { HttpLane } from './http-lane.js';

export interface PacedLoad {
  readonly port: number;
  readonly serverPid: number;
  /** Requests per second. */
  readonly rate: number;
  readonly connections: number;
  readonly keys: number;
  readonly documentBytes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface PacedReport extends CoresUsed {
  /** Answers per second; what falls short of the rate was still waiting when the time was over. */
  readonly opsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  readonly maxMs: number;
  /** How late requests were sent; part of their latency. */
  readonly sendDelayP99Ms: number;
}

/** Between answers nothing else would notice that a request is due. */
const TICK_MS = 0.2;
const LEAD_MS = 50;
/** How long a backlog may take after the last request was due. */
const DRAIN_MS_MAX = 10_000;
const NS_PER_MS = 1e6;

const load = JSON.parse(process.argv[2]) as PacedLoad;

/** Requests of all keys, GET at even and PUT at odd places. */
function buildRequests(): Uint8Array[] {
  const host = `Host: 127.0.0.1:${load.port}\r\n`;
  const template = documentTemplate('http', load.documentBytes);
  const requests: Uint8Array[] = [];
  for (let i = 0; i < load.keys; i++) {
    const path = fillIn(DOCUMENT_PATH, i);
    const body = fillIn(template, i);
    const headers = `${host}Content-Type: application/json\r\nContent-Length: ${body.length}\r\n`;
    requests.push(Buffer.from(`GET ${path} HTTP/1.1\r\n${host}\r\n`));
    requests.push(Buffer.from(`PUT ${path} HTTP/1.1\r\n${headers}\r\n${body}`));
  }
  return requests;
}

const requests = buildRequests();
const latencyNs = createHistogram();
const sendDelayNs = createHistogram();
const idle: HttpLane[] = [];
const intervalMs = 1000 / load.rate;
const warmUpCount = Math.floor(load.rate * load.warmUpSeconds);
const total = warmUpCount + Math.max(1, Math.floor(load.rate * load.seconds));

let startMs = Number.POSITIVE_INFINITY;
let sent = 0;
let answered = 0;
let measuredInTime = 0;
let resolveDone: () => void = () => {};
let rejectDone: (error: Error) => void = () => {};
const done = new Promise<void>((resolve, reject) => {
  resolveDone = resolve;
  rejectDone = reject;
});

const inNs = (ms: number): number => Math.max(1, Math.round(ms * NS_PER_MS));

/** Sends what is due, as far as there are idle connections. */
function pump(): void {
  const now = performance.now();
  while (sent < total && idle.length > 0) {
    const intendedMs = startMs + sent * intervalMs;
    if (intendedMs > now) return;
    if (sent >= warmUpCount) sendDelayNs.record(inNs(now - intendedMs));
    sent++;
    const lane = idle.pop() as HttpLane;
    lane.send(requests[Math.floor(Math.random() * requests.length)], intendedMs);
  }
}

function onAnswer(lane: HttpLane): void {
  const now = performance.now();
  // By when it was due, not by the count: answers overtake each other.
  if (lane.intendedMs >= startMs + warmUpCount * intervalMs) {
    latencyNs.record(inNs(now - lane.intendedMs));
    if (now <= startMs + total * intervalMs) measuredInTime++;
  }
  idle.push(lane);
  answered++;
  if (answered === total) resolveDone();
  else pump();
}

async function run(): Promise<PacedReport> {
  const onFault = (error: Error): void => rejectDone(error);
  const lanes = await Promise.all(
    Array.from({ length: load.connections }, () => HttpLane.open(load.port, onAnswer, onFault)),
  );
  idle.push(...lanes);
  const ticker = new Worker(new URL('./ticker.js', import.meta.url), { workerData: { everyMs: TICK_MS } });
  ticker.on('message', pump);
  startMs = performance.now() + LEAD_MS;
  const scheduledMs = LEAD_MS + total * intervalMs;
  const tooLate = (): void =>
    rejectDone(new Error(`${total - answered} of ${total} requests were still open: the rate is too high`));
  const timer = setTimeout(tooLate, scheduledMs + DRAIN_MS_MAX);
  const cores = watchCores(load.serverPid, LEAD_MS + warmUpCount * intervalMs);
  await done;
  const used = cores();
  clearTimeout(timer);
  await ticker.terminate();
  for (const lane of lanes) lane.close();
  return {
    opsPerSecond: measuredInTime / (((total - warmUpCount) * intervalMs) / 1000),
    p50Ms: latencyNs.percentile(50) / NS_PER_MS,
    p99Ms: latencyNs.percentile(99) / NS_PER_MS,
    p999Ms: latencyNs.percentile(99.9) / NS_PER_MS,
    maxMs: latencyNs.max / NS_PER_MS,
    sendDelayP99Ms: sendDelayNs.percentile(99) / NS_PER_MS,
    ...used,
  };
}

printReport(await run());
