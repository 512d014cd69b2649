/** What the WebSocket client has been asked to do: single operations with a promise each, and bulk jobs with one. */
import type { OperationId } from '../batch/write-batch-encoder.js';
import type { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { RequestOp } from '../generated/lumadb/schema/request-op.js';
import { connectionError, type LumaDbError } from './error.js';
import type { ManyResult } from './many-result.js';

/** The answer to a single operation: the value is in `bytes` at [start, end), empty when there is none. */
export interface Answer {
  readonly status: number;
  readonly seqno: number;
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly end: number;
}

export interface Operation {
  readonly op: RequestOp;
  readonly collection: string;
  readonly key: string;
  readonly value: string | Uint8Array | undefined;
  readonly condition: ConditionKind;
  readonly expectedSeqno: number;
  readonly durability: Durability;
  /** With one, a write may be sent again after the connection broke. */
  readonly operationId: OperationId | undefined;
  /** Seconds, or one of TTL_* (base/expiry.ts). */
  readonly ttlSeconds: number;
  readonly deadlineMs: number;
  /** Times the connection broke while it was under way. */
  losses: number;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: LumaDbError) => void;
}

/** A run of a job's keys: [start, end). */
export interface KeyRange {
  readonly start: number;
  readonly end: number;
}

export class BulkJob {
  /** What is still to be sent; a broken connection puts ranges back. */
  readonly todo: KeyRange[];
  unanswered: number;
  losses = 0;
  isSettled = false;

  constructor(
    readonly op: RequestOp,
    readonly collection: string,
    readonly keys: readonly (string | Uint8Array)[],
    readonly values: readonly (string | Uint8Array)[] | undefined,
    readonly durability: Durability,
    /** Four words per key, or undefined: then a write is not sent twice. */
    readonly operationIds: Uint32Array | undefined,
    /** Of all documents: seconds, or one of TTL_* (base/expiry.ts). */
    readonly ttlSeconds: number,
    readonly result: ManyResult,
    private readonly resolve: (result: ManyResult) => void,
    private readonly reject: (error: LumaDbError) => void,
  ) {
    this.todo = [{ start: 0, end: keys.length }];
    this.unanswered = keys.length;
  }

  answered(): void {
    this.unanswered--;
    if (this.unanswered > 0 || this.isSettled) return;
    this.isSettled = true;
    this.resolve(this.result);
  }

  fail(error: LumaDbError): void {
    this.todo.length = 0;
    if (this.isSettled) return;
    this.isSettled = true;
    this.reject(error);
  }

  /** Asks again for what was under way in `range`. */
  lost(range: KeyRange): void {
    for (let i = range.start; i < range.end; i++) {
      if (this.result.statuses[i] === 0) continue;
      this.result.forget(i);
      this.unanswered++;
    }
    this.todo.unshift(range);
  }
}

/** True when repeating does no harm: it changes nothing, or the server will recognise it. */
export function isRepeatable(op: RequestOp, hasOperationId: boolean): boolean {
  return op === RequestOp.Get || op === RequestOp.Ping || hasOperationId;
}

export function lostInFlight(cause: LumaDbError): LumaDbError {
  return connectionError(`${cause.message}; the operation was under way and its outcome is unknown`, cause);
}
