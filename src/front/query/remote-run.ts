/**
 * A front's end of one statement on a query thread: the port and the shared words, the statement's time, its writes, and what comes
 * back. Front thread only.
 */
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import type { QueryOutcome } from '../../admin/query-record.js';
import { toWireError, type WireError } from '../../base/errors.js';
import { canceledError } from '../../sql/errors.js';
import type { DocumentBody } from '../document-body.js';
import type { FrontContext } from '../front-context.js';
import {
  CANCEL_TIMEOUT,
  CANCEL_WORDS,
  type PoolQuery,
  type QueryMessage,
  type QueryReply,
  SIGNAL_CREDITS,
  SIGNAL_REPLIES,
  SIGNAL_WORDS,
} from './messages.js';
import { raiseCancel } from './raise-cancel.js';
import { QueryWrites } from './writes.js';

/** A query thread looks at its own clock; this ends a statement that waits for a thread, or for its client. */
const TIMEOUT_GRACE_MS = 100;

export interface RemoteRunOptions {
  readonly context: FrontContext;
  readonly documentBody: DocumentBody;
  chunk(bytes: Uint8Array, taken: () => void): void;
  finish(bytes: Uint8Array, outcome: QueryOutcome): void;
  fail(error: WireError, outcome?: QueryOutcome): void;
}

export class RemoteRun {
  private readonly cancelBuffer = new SharedArrayBuffer(CANCEL_WORDS * 4);
  private readonly signalBuffer = new SharedArrayBuffer(SIGNAL_WORDS * 4);
  private readonly cancel = new Int32Array(this.cancelBuffer);
  private readonly signal = new Int32Array(this.signalBuffer);
  private port: MessagePort | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(private readonly options: RemoteRunOptions) {}

  /** Resolves when the main thread knows that it is over, or with 'stale' (control-plane.ts) if it has not run. */
  async run(query: Omit<PoolQuery, 'cancel' | 'signal'>): Promise<'over' | 'stale'> {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    port1.on('message', (message: QueryMessage) => this.onMessage(message));
    this.timer = setTimeout(() => this.raise(CANCEL_TIMEOUT), query.timeoutMs + TIMEOUT_GRACE_MS);
    const shared = { cancel: this.cancelBuffer, signal: this.signalBuffer };
    const result = await this.options.context.control.runQuery({ ...query, ...shared }, port2);
    // Answers that the thread has sent come through the port, and may still be on their way. An error here means that none comes.
    if (result.error !== undefined) this.options.fail(result.error);
    return result.ok ?? 'over';
  }

  /** Ends the statement at its next look, whether it runs or waits. */
  raise(reason: number): void {
    // No thread has taken it, and all may be busy for long: it is answered here.
    if (raiseCancel(this.cancel, this.signal, reason))
      this.options.fail(toWireError(canceledError(reason === CANCEL_TIMEOUT ? 'timeout' : 'cancelled')));
  }

  /** Nothing that still arrives matters. */
  close(): void {
    clearTimeout(this.timer);
    this.port?.close();
  }

  private onMessage(message: QueryMessage): void {
    const { options } = this;
    switch (message.kind) {
      case 'chunk':
        options.chunk(message.bytes, () => this.bump(SIGNAL_CREDITS));
        return;
      case 'write': {
        const { context, documentBody } = options;
        const writes = new QueryWrites(context, documentBody, message.collection, message.writes);
        writes.run().then(
          (reply) => this.reply(reply),
          (error: unknown) => this.reply({ kind: 'refused', error: toWireError(error) }),
        );
        return;
      }
      case 'done':
        options.finish(message.bytes, message.outcome);
        return;
      case 'failed':
        options.fail(message.error, message.outcome);
    }
  }

  private reply(reply: QueryReply): void {
    this.port?.postMessage(reply);
    this.bump(SIGNAL_REPLIES);
  }

  private bump(word: number): void {
    Atomics.add(this.signal, word, 1);
    Atomics.notify(this.signal, word);
  }
}
