/**
 * One object on its way from S3. A connection that breaks is replaced by one that goes on where it ended, for the same
 * version of the object. The checksum that the server declares for the whole is checked over all that arrived: TLS and the
 * SDK look at one connection each.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { crc32 } from 'node:zlib';
import type { GetObjectCommandOutput } from '@aws-sdk/client-s3';
import type { Clock } from '../../base/clock.js';
import { statusOf } from './s3-errors.js';
import type { S3Session } from './s3-session.js';
import { arrivedDamaged, changedMeanwhile, endsBefore, endsEarly, notFound } from './store-errors.js';

/** In a row, with little progress between them. */
const BREAKS_MAX = 5;
/** Progress after which a broken connection is the first one again. */
const PROGRESS_BYTES = 16 * 1024 * 1024;
const PAUSE_MS_MIN = 100;
const PAUSE_MS_MAX = 5000;

export interface DownloadTarget {
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly store: string;
}

export class S3Download {
  private position: number;
  private etag: string | undefined;
  private sizeBytes = 0;
  private expectedCrc: string | undefined;
  private crc = 0;
  private breaks = 0;
  private breakPosition = 0;

  constructor(
    private readonly session: S3Session,
    private readonly target: DownloadTarget,
    private readonly offset: number,
    private readonly signal: AbortSignal | undefined,
    private readonly clock: Clock,
  ) {
    this.position = offset;
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    const { name, store } = this.target;
    do {
      const response = await this.request();
      if (response === undefined) return;
      this.meet(response);
      yield* this.receive(response);
    } while (this.position < this.sizeBytes);
    if (this.position > this.sizeBytes) throw changedMeanwhile(name, store);
    this.checkCrc();
  }

  /** Undefined when there is nothing after the offset. */
  private async request(): Promise<GetObjectCommandOutput | undefined> {
    const { name, store, key } = this.target;
    const Range = this.position > 0 ? `bytes=${this.position}-` : undefined;
    const input = { Bucket: this.session.bucket, Key: key, Range, IfMatch: this.etag || undefined };
    const request = { operation: 'get', object: name, signal: this.signal };
    let isPastEnd = false;
    const response = await this.session.callIfThere(store, request, async ({ sdk, client }) => {
      try {
        return await client.send(new sdk.GetObjectCommand(input), { abortSignal: this.signal });
      } catch (error) {
        if (statusOf(error) === 412) throw changedMeanwhile(name, store);
        if (statusOf(error) !== 416) throw error;
        isPastEnd = true;
        return undefined;
      }
    });
    if (isPastEnd) return this.expectNothing();
    if (response !== undefined) return response;
    throw this.etag === undefined ? notFound(name, store) : changedMeanwhile(name, store);
  }

  private async expectNothing(): Promise<undefined> {
    const { name, store, key } = this.target;
    if (this.etag !== undefined) throw changedMeanwhile(name, store);
    const facts = await this.session.callIfThere(
      store,
      { operation: 'stat', object: name },
      ({ sdk, client }) => client.send(new sdk.HeadObjectCommand({ Bucket: this.session.bucket, Key: key })),
    );
    if (facts === undefined) throw notFound(name, store);
    const sizeBytes = facts.ContentLength ?? 0;
    if (sizeBytes !== this.offset) throw endsBefore(name, store, this.offset, sizeBytes);
    return undefined;
  }

  /** Takes what the first answer says of the object; the others have to say the same. */
  private meet(response: GetObjectCommandOutput): void {
    const { name, store } = this.target;
    const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.ContentRange ?? '');
    const from = range === null ? 0 : Number(range[1]);
    const sizeBytes = range === null ? (response.ContentLength ?? 0) : Number(range[2]);
    // A server that knows no ranges sends it all again.
    const isOther = from !== this.position;
    const isFirst = this.etag === undefined;
    if (isOther || (!isFirst && (sizeBytes !== this.sizeBytes || (response.ETag ?? '') !== this.etag))) {
      destroyBody(response);
      throw changedMeanwhile(name, store);
    }
    if (!isFirst) return;
    this.etag = response.ETag ?? '';
    this.sizeBytes = sizeBytes;
    const declared = response.ChecksumCRC32;
    // One over the checksums of parts ends in their number, and says nothing about the bytes as they come.
    if (this.position === 0 && declared !== undefined && !declared.includes('-')) this.expectedCrc = declared;
  }

  private async *receive(response: GetObjectCommandOutput): AsyncGenerator<Uint8Array, void, undefined> {
    const { name, store } = this.target;
    let broken: unknown;
    let pausedMs = 0;
    try {
      for await (const chunk of bodyOf(response)) {
        this.position += chunk.byteLength;
        if (this.expectedCrc !== undefined) this.crc = crc32(chunk, this.crc);
        const fromMs = this.clock.monotonicMs();
        yield chunk;
        pausedMs = this.clock.monotonicMs() - fromMs;
      }
    } catch (error) {
      broken = error;
    }
    this.signal?.throwIfAborted();
    if (this.position >= this.sizeBytes) return;
    // A caller that pauses for longer than the connection may idle breaks it himself: that is no fault of the server.
    if (pausedMs < this.session.idleTimeoutMs) this.countBreak();
    if (this.breaks > BREAKS_MAX) {
      throw broken === undefined
        ? endsEarly(name, store, this.position, this.sizeBytes)
        : await this.session.explain(store, { operation: 'get', object: name }, broken);
    }
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** this.breaks);
    await delay(pauseMs, undefined, { signal: this.signal }).catch(() => this.signal?.throwIfAborted());
  }

  private countBreak(): void {
    if (this.position - this.breakPosition >= PROGRESS_BYTES) this.breaks = 0;
    this.breaks += 1;
    this.breakPosition = this.position;
  }

  private checkCrc(): void {
    if (this.expectedCrc === undefined) return;
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(this.crc);
    const got = bytes.toString('base64');
    if (got !== this.expectedCrc) {
      throw arrivedDamaged(this.target.name, this.target.store, this.expectedCrc, got);
    }
  }
}

/** On Node a body is a stream of it; the SDK's type speaks of browsers too. */
function bodyOf(response: GetObjectCommandOutput): AsyncIterable<Uint8Array> {
  return (response.Body ?? []) as AsyncIterable<Uint8Array>;
}

function destroyBody(response: GetObjectCommandOutput): void {
  (response.Body as { destroy?: () => void } | undefined)?.destroy?.();
}
