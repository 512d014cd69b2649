/** Options of the WebSocket client, with their defaults and bounds. */
import { BULK_BYTES_MAX, BULK_OPERATIONS_MAX } from '../base/limits.js';
import { invalidRequest } from './error.js';

export interface WebSocketClientOptions {
  /** Sent as `Authorization: Bearer` in the handshake. */
  readonly token?: string;
  /** Operations under way at a time; as many again may wait in the client. Default 65,536. */
  readonly maxInFlight?: number;
  /** Operations in one frame at most. Default 512. */
  readonly batchOperations?: number;
  /** Bytes of keys and values after which a frame is finished. Default 1 MiB. */
  readonly batchBytes?: number;
  /** How long an operation may wait for company. Default 0: until the event loop's turn ends. */
  readonly flushIntervalMs?: number;
  /** Limit of one operation, waiting included. Default 30,000. */
  readonly timeoutMs?: number;
  readonly connectTimeoutMs?: number;
  readonly closeTimeoutMs?: number;
  /** Times an operation that is safe to repeat is sent again after the connection broke under it. Default 2. */
  readonly retries?: number;
  /** Gives every write an operation id, so that it may be repeated as well. Costs 16 bytes a write. Default false. */
  readonly retryWrites?: boolean;
  /** Attempts to connect again after the connection broke; then the client is closed. Default 10. */
  readonly reconnectAttempts?: number;
  /** Silence after which the connection is probed, and after as long again given up. Default 15,000. */
  readonly heartbeatMs?: number;
  /** Largest message accepted from the server. Default 64 MiB. */
  readonly messageBytesMax?: number;
}

export type WebSocketClientSettings = Required<Omit<WebSocketClientOptions, 'token'>> & {
  readonly token: string | undefined;
};

const DEFAULTS: WebSocketClientSettings = {
  token: undefined,
  maxInFlight: 65_536,
  batchOperations: 512,
  batchBytes: 1024 * 1024,
  flushIntervalMs: 0,
  timeoutMs: 30_000,
  connectTimeoutMs: 10_000,
  closeTimeoutMs: 2_000,
  retries: 2,
  retryWrites: false,
  reconnectAttempts: 10,
  heartbeatMs: 15_000,
  messageBytesMax: 64 * 1024 * 1024,
};

const BOUNDS: Readonly<Partial<Record<keyof WebSocketClientOptions, readonly [number, number]>>> = {
  maxInFlight: [1, 1_000_000],
  batchOperations: [1, BULK_OPERATIONS_MAX],
  // Half of what a frame may hold: one more document and the columns must still fit.
  batchBytes: [1, BULK_BYTES_MAX / 2],
  flushIntervalMs: [0, 60_000],
  timeoutMs: [1, 2 ** 31 - 1],
  connectTimeoutMs: [1, 2 ** 31 - 1],
  closeTimeoutMs: [1, 2 ** 31 - 1],
  retries: [0, 100],
  reconnectAttempts: [0, 1_000_000],
  heartbeatMs: [1, 2 ** 31 - 1],
  messageBytesMax: [1024, 2 ** 30],
};

export function settingsOf(options: WebSocketClientOptions): WebSocketClientSettings {
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
  for (const [name, [min, max]] of Object.entries(BOUNDS)) {
    const value = given[name];
    if (value === undefined) continue;
    if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
      throw invalidRequest(`${name} must be a whole number from ${min} to ${max}, not ${String(value)}`);
    }
  }
  return { ...DEFAULTS, ...given };
}
