/**
 * A query thread's side of its conversation with the front: sends results, waits for the client to take them, and has
 * documents written. Blocks while it waits: the thread has nothing else to do.
 */
import { type MessagePort, receiveMessageOnPort, threadId } from 'node:worker_threads';
import type { Clock } from '../../base/clock.js';
import { DbError, fromWireError } from '../../base/errors.js';
import {
  type PoolQuery,
  type QueryMessage,
  type QueryReply,
  SIGNAL_CREDITS,
  SIGNAL_REPLIES,
  SIGNAL_STATE,
  SIGNAL_THREAD,
  STATE_QUEUED,
  STATE_STARTED,
} from '../../front/query/messages.js';
import { canceledError } from '../../sql/errors.js';
import type { DocumentWrite, WriteResult } from '../../sql/execute/source.js';
import { QueryEnding } from './query-ending.js';

/** Chunks on their way to a client that has not taken them. */
const CHUNKS_AHEAD_MAX = 4;
/** How long a wait sleeps before it looks at the cancel flag again. */
const WAIT_MS = 50;
/** How long beyond its time a statement waits for its writes. A front that is silent for so long has ended. */
const WRITE_GRACE_MS = 60_000;

type FrontExchangeQuery = Pick<PoolQuery, 'signal' | 'cancel' | 'startedAtMs' | 'timeoutMs'>;

export class FrontExchange {
  private readonly signal: Int32Array;
  private readonly deadlineMs: number;
  private readonly ending: QueryEnding;
  private chunksSent = 0;

  constructor(
    query: FrontExchangeQuery,
    private readonly port: MessagePort,
    private readonly clock: Pick<Clock, 'wallMs'>,
  ) {
    this.deadlineMs = query.startedAtMs + query.timeoutMs;
    this.signal = new Int32Array(query.signal);
    this.ending = new QueryEnding(query, clock);
  }

  /** False when the statement was given up while it waited: it has been answered, and nothing is to be done. */
  begin(): boolean {
    const state = Atomics.compareExchange(this.signal, SIGNAL_STATE, STATE_QUEUED, STATE_STARTED);
    if (state !== STATE_QUEUED) {
      this.close();
      return false;
    }
    Atomics.store(this.signal, SIGNAL_THREAD, threadId);
    return true;
  }

  send(message: QueryMessage): void {
    this.port.postMessage(message);
  }

  /** Sends a part of a result once the client has taken enough of those before. Throws when the query is cancelled. */
  sendChunk(bytes: Uint8Array): void {
    for (;;) {
      const taken = Atomics.load(this.signal, SIGNAL_CREDITS);
      if (this.chunksSent - taken < CHUNKS_AHEAD_MAX) break;
      this.requireRunning();
      Atomics.wait(this.signal, SIGNAL_CREDITS, taken, WAIT_MS);
    }
    this.chunksSent++;
    this.send({ kind: 'chunk', bytes });
  }

  /** Durable when it returns. A query that is cancelled meanwhile still learns what became of its writes. */
  write(collection: string, writes: readonly DocumentWrite[]): readonly WriteResult[] {
    this.requireRunning();
    const before = Atomics.load(this.signal, SIGNAL_REPLIES);
    this.send({ kind: 'write', collection, writes });
    for (;;) {
      const received = receiveMessageOnPort(this.port);
      if (received !== undefined) return resultsOf(received.message as QueryReply);
      if (this.clock.wallMs() > this.deadlineMs + WRITE_GRACE_MS) {
        const message = 'the front does not say what became of a write; it may have been done';
        throw new DbError('INTERNAL', message);
      }
      Atomics.wait(this.signal, SIGNAL_REPLIES, before, WAIT_MS);
    }
  }

  close(): void {
    this.port.close();
  }

  private requireRunning(): void {
    const reason = this.ending.isCancelled();
    if (reason !== 'no') throw canceledError(reason);
  }
}

function resultsOf(reply: QueryReply): readonly WriteResult[] {
  if (reply.kind === 'written') return reply.results;
  const { code, message, details } = fromWireError(reply.error);
  throw new DbError(code, message, details);
}
