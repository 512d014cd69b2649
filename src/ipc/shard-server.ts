/**
 * The shard's end of its links: takes batches out of all request rings, and writes replies. Shard thread only.
 * What happens between the two is the engine's business; runtime/shard-loop.ts brings them together.
 */
import type { WireError } from '../base/errors.js';
import type { WriteBatchView } from '../batch/write-batch-view.js';
import { type WriteOutcome, WriteReplyEncoder } from '../batch/write-reply.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import { DoorbellRinger } from '../shm/doorbell.js';
import { RingReader } from '../shm/ring-reader.js';
import { RingWriter } from '../shm/ring-writer.js';
import { LINK_CLOSED, LINK_OPEN, type LinkBuffers } from './link.js';

/** How long the shard waits for a front to make room for replies before it tries again. */
const REPLY_WAIT_MS = 1;

/** One front's link as the shard sees it. */
export class ShardLink {
  private readonly requests: RingReader;
  private readonly replies: RingWriter;
  private readonly ringer: DoorbellRinger;
  private readonly encoder: WriteReplyEncoder;
  private readonly state: Int32Array;
  private hasUnrungReplies = false;

  constructor(
    readonly front: number,
    link: LinkBuffers,
  ) {
    this.requests = new RingReader(link.requests);
    this.replies = new RingWriter(link.replies);
    this.ringer = new DoorbellRinger(link.frontDoorbell);
    this.encoder = new WriteReplyEncoder();
    this.state = new Int32Array(link.state);
  }

  hasRequests(): boolean {
    return this.requests.hasNext();
  }

  /** Points `view` at the next batch, in place in the ring. False when there is none. */
  next(view: WriteBatchView): boolean {
    const requests = this.requests;
    if (!requests.next()) return false;
    view.open(new Uint8Array(requests.buffer, requests.payloadOffset, requests.payloadLength));
    return true;
  }

  /** Everything read so far is dealt with: its bytes may be overwritten. */
  release(): void {
    this.requests.release();
  }

  replyOutcome(batchId: number, firstSeqno: number, durability: Durability, outcome: WriteOutcome): void {
    this.push(this.encoder.encode(batchId, firstSeqno, durability, outcome));
  }

  replyError(batchId: number, error: WireError): void {
    this.push(this.encoder.encodeError(batchId, error));
  }

  /** Wakes the front if replies were written since the last call. */
  ring(): void {
    if (!this.hasUnrungReplies) return;
    this.hasUnrungReplies = false;
    this.ringer.ring();
  }

  /** True when the front is gone: replies are dropped from then on. */
  get isClosed(): boolean {
    return Atomics.load(this.state, 0) === LINK_CLOSED;
  }

  /** Bytes of batches waiting in the ring. */
  depthBytes(): number {
    return this.requests.usedBytes();
  }

  private push(reply: Uint8Array): void {
    while (!this.replies.push(reply, reply.length)) {
      if (this.isClosed) return;
      // Fronts bound their operations in flight so that replies always fit; a front that is stopped (SIGSTOP, a
      // debugger) with many tiny batches can still get here. Waiting holds back this shard only.
      this.ringer.ring();
      Atomics.wait(this.state, 0, LINK_OPEN, REPLY_WAIT_MS);
    }
    this.hasUnrungReplies = true;
  }
}
