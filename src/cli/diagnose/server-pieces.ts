/** What a server that answers tells of itself over HTTP. */
import { setTimeout as delay } from 'node:timers/promises';
import { answerMessage, call, type Target } from '../connection.js';
import type { Piece, PieceContent } from './piece.js';
import { PIECE_BYTES_MAX } from './piece-runner.js';
import type { ServerFound } from './subject.js';

const LIMIT_MS = 10_000;
/** It looks at every table and asks every shard. */
const DUMP_LIMIT_MS = 30_000;
/** Between the two samples of the metrics: from their difference come rates. */
const METRICS_INTERVAL_MS = 1000;

interface Route {
  readonly name: string;
  readonly path: string;
  readonly limitMs?: number;
  /** Statuses that are an answer besides 200. */
  readonly accepted?: readonly number[];
}

const ROUTES: readonly Route[] = [
  { name: 'status.json', path: '/status' },
  // 503 is an answer too: it says what is wrong.
  { name: 'health.json', path: '/health', accepted: [503] },
  { name: 'ready.json', path: '/ready', accepted: [503] },
  { name: 'cluster-health.json', path: '/cluster/health', accepted: [503] },
  { name: 'cluster-status.json', path: '/cluster/status' },
  { name: 'cluster-replication.json', path: '/cluster/replication' },
  { name: 'read-only.json', path: '/admin/read-only' },
  { name: 'memory.json', path: '/admin/memory' },
  { name: 'compaction.json', path: '/admin/compaction' },
  { name: 'tasks.json', path: '/admin/tasks' },
  { name: 'queries.json', path: '/admin/queries' },
  { name: 'config.json', path: '/admin/config' },
  { name: 'collections.json', path: '/api/v1/collections' },
  { name: 'state.json', path: '/admin/dump-state', limitMs: DUMP_LIMIT_MS },
];

export function serverPieces({ target, diagnostics }: ServerFound): Piece[] {
  return [
    // Asked for before: it says where the rest is.
    piece({ name: 'diagnostics.json', path: '' }, () => {
      if (diagnostics instanceof Error) throw diagnostics;
      return { text: diagnostics.text };
    }),
    ...metricsPieces(target),
    ...ROUTES.map((route) => piece(route, (signal) => ask(target, route, signal))),
  ];
}

function piece({ name, limitMs = LIMIT_MS }: Route, make: Piece['make']): Piece {
  return { name: `server/${name}`, source: 'server', limitMs, make };
}

function metricsPieces(target: Target): Piece[] {
  const sample = (name: string, waitMs: number): Piece => {
    const route = { name, path: '/metrics' };
    return piece(route, async (signal) => {
      await delay(waitMs, undefined, { signal });
      return ask(target, route, signal);
    });
  };
  return [sample('metrics-1.prom', 0), sample('metrics-2.prom', METRICS_INTERVAL_MS)];
}

async function ask(target: Target, route: Route, signal: AbortSignal): Promise<PieceContent> {
  const { path, limitMs = LIMIT_MS, accepted = [] } = route;
  const answer = await call(target, path, { timeoutMs: limitMs, signal, bytesMax: PIECE_BYTES_MAX });
  if (answer.status !== 200 && !accepted.includes(answer.status)) throw new Error(answerMessage(answer));
  return { text: answer.text };
}
