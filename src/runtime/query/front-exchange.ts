/**
 * A query thread's side of its conversation with the front: sends results, waits for the client to take them, and has
 * documents written. Blocks while it waits: the thread has nothing else to do.
 */
import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import { DbError, fromWireError } from '../../base/errors.js';
import {
  CANCEL_NONE,
  CANCEL_REASON,
  type PoolQuery,
  type QueryMessage,
  type QueryReply,
  SIGNAL_CREDITS,
  SIGNAL_REPLIES,
} from '../../front/query/messages.js';
import { QUERY_CANCELED, sqlError } from '../../sql/errors.js';
import type { DocumentWrite, WriteResult } from '../../sql/execute/source.js';

/** Chunks on their way to a client that has not taken them. */
const CHUNKS_AHEAD_MAX = 4;
/** How long a wait sleeps before it looks at the cancel flag again. */
const WAIT_MS = 50;

export class FrontExchange {
  private readonly signal: Int32Array;
  private readonly cancel: Int32Array;
  private chunksSent = 0;

  constructor(
    { signal, cancel }: Pick<PoolQuery, 'signal' | 'cancel'>,
    private readonly port: MessagePort,
  ) {
    this.signal = new Int32Array(signal);
    this.cancel = new Int32Array(cancel);
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
      Atomics.wait(this.signal, SIGNAL_REPLIES, before, WAIT_MS);
    }
  }

  close(): void {
    this.port.close();
  }

  private requireRunning(): void {
    if (Atomics.load(this.cancel, CANCEL_REASON) !== CANCEL_NONE)
      throw sqlError(QUERY_CANCELED, 'canceling statement due to user request');
  }
}

function resultsOf(reply: QueryReply): readonly WriteResult[] {
  if (reply.kind === 'written') return reply.results;
  const { code, message, details } = fromWireError(reply.error);
  throw new DbError(code, message, details);
}
