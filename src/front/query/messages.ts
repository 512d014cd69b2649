/**
 * What travels between a front, the main thread and a query thread while a statement runs. The front asks the main thread for
 * a query thread (PoolQuery, with one end of a message channel); from then on the two talk to each other alone. Plain data.
 */
import type { QueryOutcome } from '../../admin/query-record.js';
import type { WireError } from '../../base/errors.js';
import type { TableView } from '../../sql/catalog-view.js';
import type { DocumentWrite, WriteResult } from '../../sql/execute/source.js';
import type { SqlValue } from '../../sql/types/values.js';

export type ResultFormat = 'json' | 'ndjson';

/** Words of the cancel flag that a query's threads share (int32). */
export const CANCEL_REASON = 0;
export const CANCEL_WORDS = 1;
export const CANCEL_NONE = 0;
export const CANCEL_USER = 1;
export const CANCEL_TIMEOUT = 2;
export const CANCEL_GONE = 3;

/** Words of the signal block of one exchange (int32). The front bumps a word and notifies after each message it has posted. */
export const SIGNAL_REPLIES = 0;
/** Chunks of a streamed result that the client has taken. */
export const SIGNAL_CREDITS = 1;
/** Whether a thread runs the statement: one that still waits can be given up at once. Changed by compareExchange from STATE_QUEUED. */
export const SIGNAL_STATE = 2;
/** Number of the thread that runs it; stored by that thread when it starts. */
export const SIGNAL_THREAD = 3;
export const SIGNAL_WORDS = 4;
export const STATE_QUEUED = 0;
/** Set by the query thread, which answers from then on. */
export const STATE_STARTED = 1;
/** Set by who has answered the statement before a thread took it. */
export const STATE_ABANDONED = 2;

export interface PoolQuery {
  readonly id: string;
  readonly sql: string;
  readonly params: readonly SqlValue[];
  /** Wall clock in milliseconds. */
  readonly startedAtMs: number;
  readonly timeoutMs: number;
  readonly format: ResultFormat;
  /** What the front's catalog says of the collections that the statement names. */
  readonly tables: readonly TableView[];
  readonly autoCreateCollections: boolean;
  /** System tables that it reads: their rows come along. */
  readonly systemTables: readonly string[];
  readonly cancel: SharedArrayBuffer;
  readonly signal: SharedArrayBuffer;
}

/** From the query thread to the front. */
export type QueryMessage =
  /** The next part of a result; the last one comes with `done`. JSON results come in one part. */
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'write'; readonly collection: string; readonly writes: readonly DocumentWrite[] }
  | { readonly kind: 'done'; readonly bytes: Uint8Array; readonly outcome: QueryOutcome }
  | { readonly kind: 'failed'; readonly error: WireError; readonly outcome?: QueryOutcome };

/** From the front to the query thread. */
export type QueryReply =
  | { readonly kind: 'written'; readonly results: readonly WriteResult[] }
  | { readonly kind: 'refused'; readonly error: WireError };
