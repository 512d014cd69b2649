/**
 * A load of its own process: writes documents over HTTP and WebSocket as fast as they are acknowledged, and reports
 * every attempt and every acknowledgement. It survives the server, so that nothing it noted is lost with it; the test
 * tells it where the next one listens. Each key belongs to one writer, which has at most one write of it under way.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { HttpClient, LumaDbError, WebSocketClient } from '../../src/client/index.js';
import { type Acknowledged, type Attempted, HTTP_WRITERS, makeDocument, SOCKET_WRITERS } from './ledger.js';

export interface LoadCommand {
  readonly port: number;
}
export interface LoadReport {
  readonly attempts: Attempted[];
  readonly acknowledged: Acknowledged[];
  /** Names of writers, once for each refusal. */
  readonly refused: string[];
}

/** A writer that got no answer for that long ends. */
export const LOAD_TIMEOUT_MS = 60_000;
const KEYS_PER_WRITER = 20;
const REPORT_MS = 5;
const REFUSED_PAUSE_MS = 50;
const GOES_ON = process.env['LOAD_GOES_ON'] === '1';
const LEVELS = (process.env['LOAD_LEVELS'] ?? 'always').split(',') as ('always' | 'group' | 'os')[];

let attempts: Attempted[] = [];
let acknowledged: Acknowledged[] = [];
let refused: string[] = [];
let generation = 0;
const versions = new Map<string, number>();

function report(): void {
  if (attempts.length === 0 && acknowledged.length === 0 && refused.length === 0) return;
  process.send?.({ attempts, acknowledged, refused } satisfies LoadReport);
  attempts = [];
  acknowledged = [];
  refused = [];
}

type Put = (key: string, text: string, level: 'always' | 'group' | 'os') => Promise<{ seqno: number }>;

/** Writes its keys in turn until the server goes away. */
async function runWriter(name: string, own: number, put: Put): Promise<void> {
  for (let turn = 0; generation === own; turn++) {
    const key = `${name}-${turn % KEYS_PER_WRITER}`;
    const n = (versions.get(key) ?? 0) + 1;
    versions.set(key, n);
    attempts.push({ key, n });
    try {
      const { seqno } = await put(key, JSON.stringify(makeDocument(key, n)), LEVELS[n % LEVELS.length]);
      acknowledged.push({ key, n, seqno });
    } catch (error) {
      if (!GOES_ON || !isRefusal(error)) return;
      refused.push(name);
      await delay(REFUSED_PAUSE_MS);
    }
  }
}

/** The server is there and takes no writes just now. */
const isRefusal = (error: unknown): boolean => error instanceof LumaDbError && error.status >= 500;

async function run(port: number): Promise<void> {
  const own = ++generation;
  const http = new HttpClient({
    baseUrl: `http://127.0.0.1:${port}`,
    retries: 0,
    timeoutMs: LOAD_TIMEOUT_MS,
  });
  const socket = await WebSocketClient.connect(`ws://127.0.0.1:${port}`, {
    retries: 0,
    reconnectAttempts: 0,
    timeoutMs: LOAD_TIMEOUT_MS,
  });
  const put =
    (client: HttpClient | WebSocketClient): Put =>
    (key, text, durability) =>
      client.put('ledger', key, text, { durability });
  await Promise.all([
    ...Array.from({ length: HTTP_WRITERS }, (_, i) => runWriter(`h${i}`, own, put(http))),
    ...Array.from({ length: SOCKET_WRITERS }, (_, i) => runWriter(`w${i}`, own, put(socket))),
  ]);
  http.close();
  await socket.close().catch(() => {});
  report();
  process.send?.('idle');
}

if (process.send !== undefined) {
  setInterval(report, REPORT_MS);
  process.on('message', ({ port }: LoadCommand) => {
    run(port).catch(() => process.send?.('idle'));
  });
}
