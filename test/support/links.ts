/** A front's client and a shard's link over one real pair of rings, in one thread. */

import type { WireError } from '../../src/base/errors.js';
import { EXPIRES_UNSET } from '../../src/base/expiry.js';
import { hashKey } from '../../src/base/hash.js';
import { WriteBatchView } from '../../src/batch/write-batch-view.js';
import { WriteOutcome } from '../../src/batch/write-reply.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { createLink, type LinkBuffers } from '../../src/ipc/link.js';
import { ShardClient, type WriteCompletion } from '../../src/ipc/shard-client.js';
import { ShardLink } from '../../src/ipc/shard-server.js';
import { createDoorbell } from '../../src/shm/doorbell.js';
import type { ReadOnlyReader } from '../../src/shm/read-only-reader.js';
import { textOf, utf8 } from './text.js';

export interface Completed {
  readonly token: number;
  /** Undefined: the write failed. */
  readonly status?: WriteStatus;
  readonly seqno?: number;
  readonly durability?: Durability;
  readonly error?: WireError;
}

/** Collects completions in the order in which they come. */
export class CompletionBook implements WriteCompletion {
  readonly all: Completed[] = [];
  onCompleted: ((completed: Completed) => void) | undefined;

  onWritten(token: number, status: WriteStatus, seqno: number, durability: Durability): void {
    this.note({ token, status, seqno, durability });
  }
  onWriteFailed(token: number, error: WireError): void {
    this.note({ token, error });
  }
  get tokens(): number[] {
    return this.all.map(({ token }) => token);
  }

  private note(completed: Completed): void {
    this.all.push(completed);
    this.onCompleted?.(completed);
  }
}

/** One batch as the shard saw it. */
export interface SeenBatch {
  readonly batchId: number;
  readonly durability: Durability;
  readonly allOrNothing: boolean;
  readonly keys: readonly string[];
}

export interface LinkOptions {
  readonly ringBytes?: number;
  readonly pendingMax?: number;
  readonly batchBytesMax?: number;
  /** What every document weighs. */
  readonly documentBytes?: number;
  readonly readOnly?: ReadOnlyReader;
}

/** Database time that stands still. */
const STILL_CLOCK = { nowSeconds: () => 1_800_000_000 };

export class TestLink {
  readonly client: ShardClient;
  readonly completions = new CompletionBook();
  link: LinkBuffers;
  shard: ShardLink;
  /** Tokens of the writes that were taken. Each must complete exactly once. */
  readonly taken: number[] = [];
  private readonly ringBytes: number;
  private readonly view = new WriteBatchView();
  private readonly outcome = new WriteOutcome();
  private seqno = 1;
  private nextToken = 1;

  constructor(options: LinkOptions = {}) {
    const {
      ringBytes = 64 * 1024,
      pendingMax = 1000,
      batchBytesMax = 16 * 1024,
      documentBytes = 0,
    } = options;
    this.ringBytes = ringBytes;
    this.client = new ShardClient(
      3,
      pendingMax,
      batchBytesMax,
      () => documentBytes,
      STILL_CLOCK,
      options.readOnly,
    );
    this.link = createLink(ringBytes, createDoorbell(), createDoorbell());
    this.shard = new ShardLink(0, this.link);
    this.client.attach(this.link);
  }

  /** The shard died and is back: a new link, as the supervisor makes one. */
  reattach(): void {
    this.link = createLink(this.ringBytes, createDoorbell(), createDoorbell());
    this.shard = new ShardLink(0, this.link);
    this.client.attach(this.link);
  }

  /** Puts a document; returns the refusal, if it was refused. */
  put(key: string, durability = Durability.Always, value = '{}'): WireError | undefined {
    return this.write(OperationKind.Put, key, durability, value);
  }

  patch(key: string, value: string): WireError | undefined {
    return this.write(OperationKind.Patch, key, Durability.Always, value);
  }

  remove(key: string): WireError | undefined {
    return this.write(OperationKind.Delete, key, Durability.Always, '');
  }

  private write(
    kind: OperationKind,
    key: string,
    durability: Durability,
    value: string,
  ): WireError | undefined {
    const token = this.nextToken++;
    const keyBytes = utf8(key);
    const bytes = utf8(value);
    const hash = hashKey(1, keyBytes, 0, keyBytes.length);
    const refusal = this.client.write(
      kind,
      1,
      hash,
      keyBytes,
      keyBytes.length,
      bytes,
      0,
      bytes.length,
      ConditionKind.None,
      0,
      undefined,
      EXPIRES_UNSET,
      durability,
      this.completions,
      token,
    );
    if (refusal === undefined) this.taken.push(token);
    return refusal;
  }

  /** Shard side: takes every batch there is. Neither answers nor releases. */
  take(): SeenBatch[] {
    const seen: SeenBatch[] = [];
    while (this.shard.next(this.view)) {
      const { batchId, durability, allOrNothing, count, keys } = this.view;
      const texts = Array.from({ length: count }, (_, i) =>
        textOf(keys, this.view.keyStart(i), this.view.keyEnd(i) - this.view.keyStart(i)),
      );
      seen.push({ batchId, durability, allOrNothing, keys: texts });
    }
    return seen;
  }

  /** Shard side: answers a batch, every operation with Created. */
  answer({ batchId, durability, keys }: SeenBatch): void {
    this.outcome.begin(keys.length);
    this.outcome.statuses.fill(WriteStatus.Created, 0, keys.length);
    this.shard.replyOutcome(batchId, this.seqno, durability, this.outcome);
    this.seqno += keys.length;
  }

  /** Shard side: takes, answers and releases everything. */
  serve(): SeenBatch[] {
    const seen = this.take();
    for (const batch of seen) this.answer(batch);
    this.shard.release();
    this.shard.ring();
    return seen;
  }

  /** Lets front and shard work until nothing moves any more. */
  settle(): void {
    do {
      this.client.flush();
      this.serve();
      this.client.drainReplies();
    } while (this.client.pendingCount > 0 && this.shard.hasRequests());
  }
}
