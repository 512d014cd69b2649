/** What is measured, and what a measurement gives. */

/** What --only chooses from, in the order in which a round runs them. */
export const MEASUREMENTS = [
  'idle',
  'bare',
  'get',
  'put',
  'redis-set',
  'redis-get',
  'ws-get',
  'ws-put',
  'mixed',
] as const;
export type Measurement = (typeof MEASUREMENTS)[number];

/** Rows of the result. `mixed` gives three: its peak, the load at half of it, and the same load on the bare server. */
export type Row = Exclude<Measurement, 'idle'> | 'mixed-peak' | 'mixed-floor';

export const ROW_TITLES: Readonly<Record<Row, string>> = {
  bare: 'bare uWebSockets.js GET (wrk)',
  get: 'HTTP GET (wrk)',
  put: 'HTTP PUT, durable (wrk)',
  'redis-set': 'Redis SET, appendfsync always',
  'redis-get': 'Redis GET',
  'ws-get': 'WebSocket GET, pipelined',
  'ws-put': 'WebSocket PUT, durable, pipelined',
  'mixed-peak': 'HTTP 50/50, peak (wrk)',
  mixed: 'HTTP 50/50 at half of peak, paced',
  'mixed-floor': '  the same on the bare server',
};

export interface Figures {
  readonly opsPerSecond: number;
  /** Of a request, or of a whole frame over WebSocket. */
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly p999Ms: number;
  /** Cores the server used meanwhile, 1 = one core all the time. */
  readonly serverCores: number;
  /** Cores the load generator used; only ours tell. */
  readonly clientCores?: number;
  /** Where there is one: the rate that was asked for. */
  readonly targetOpsPerSecond?: number;
}

export interface IdleFigures {
  readonly cpuPercent: number;
  readonly rssMiB: number;
}

export type Round = Partial<Record<Row, Figures>>;

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
