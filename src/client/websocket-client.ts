/**
 * The WebSocket client: binary frames, many operations a frame, answers matched by id. Operations called in the same
 * turn of the event loop share a frame. This file is the public face and the life of the connection; frames are
 * packed and answers matched in frame-exchange.ts.
 */
import { systemClock } from '../base/clock.js';
import { TTL_UNSET } from '../base/expiry.js';
import { createPrng, freshSeed } from '../base/prng.js';
import { ConditionKind } from '../generated/lumadb/schema/condition-kind.js';
import { RequestOp } from '../generated/lumadb/schema/request-op.js';
import { backoffMs } from './backoff.js';
import { connectionError, errorFromAnswer, invalidRequest, LumaDbError } from './error.js';
import { FrameExchange } from './frame-exchange.js';
import { ManyResult } from './many-result.js';
import { type Answer, BulkJob, type Operation } from './operations.js';
import type {
  CallOptions,
  DocumentInput,
  DurabilityLevel,
  JsonObject,
  ReadResult,
  TimeToLive,
  WriteOptions,
  WriteResult,
} from './types.js';
import { documentText, durabilityCode, ttlCode } from './types.js';
import { WebSocketConnection } from './websocket-connection.js';
import { CloseCode } from './websocket-frame.js';
import {
  settingsOf,
  type WebSocketClientOptions,
  type WebSocketClientSettings,
} from './websocket-options.js';
import {
  checkKey,
  checkValue,
  conditionOf,
  operationIdOf,
  randomOperationIds,
} from './websocket-requests.js';

/** Bulk calls that may be pending at a time. */
const BULK_CALLS_MAX = 1024;
const STATUS_CREATED = 201;
const SWEEPS_PER_TIMEOUT = 10;
const SWEEP_MS_MAX = 1000;
const CLOSED = 'the client is closed';

const utf8 = new TextDecoder();
const clock = systemClock;

export interface PutManyOptions {
  readonly durability?: DurabilityLevel;
  /** Of all documents of the call. */
  readonly ttlSeconds?: TimeToLive;
}

export class WebSocketClient {
  private readonly exchange: FrameExchange;
  private readonly prng = createPrng(freshSeed());
  private readonly sweeper: NodeJS.Timeout;
  private connection: WebSocketConnection | undefined;
  private reconnectTimer: NodeJS.Timeout | undefined;
  private flushTimer: NodeJS.Timeout | undefined;
  private isFlushScheduled = false;
  /** Set once: nothing is accepted any more. */
  private closedBy: LumaDbError | undefined;
  private closing: Promise<void> | undefined;
  private onQuiet: () => void = () => {};
  private waiters: { resolve: () => void; reject: (error: LumaDbError) => void }[] = [];

  private constructor(
    private readonly url: string,
    private readonly settings: WebSocketClientSettings,
  ) {
    const client = this;
    this.exchange = new FrameExchange(settings, {
      get isReady() {
        return client.connection?.isOpen === true && !client.connection.isCongested;
      },
      sendBinary: (frame) => client.connection?.sendBinary(frame),
    });
    const sweepMs = Math.min(SWEEP_MS_MAX, Math.ceil(settings.timeoutMs / SWEEPS_PER_TIMEOUT));
    this.sweeper = setInterval(() => this.sweep(), sweepMs);
    this.sweeper.unref();
  }

  /** Connects; `url` is ws://host:port, with the path /ws unless it names another. */
  static async connect(url: string, options: WebSocketClientOptions = {}): Promise<WebSocketClient> {
    const client = new WebSocketClient(url, settingsOf(options));
    try {
      await client.openConnection();
    } catch (error) {
      clearInterval(client.sweeper);
      throw error;
    }
    return client;
  }

  /** True while there is a connection; operations wait while there is none. */
  get isConnected(): boolean {
    return this.connection?.isOpen === true;
  }

  /** Operations waiting or under way. */
  get outstanding(): number {
    return this.exchange.outstanding;
  }

  /**
   * Resolves when fewer than maxInFlight operations are outstanding. Callers in a loop await it before each operation;
   * one that does not gets UNAVAILABLE once as many again are waiting.
   */
  ready(): Promise<void> {
    if (this.closedBy !== undefined) return Promise.reject(this.closedBy);
    if (this.exchange.outstanding < this.settings.maxInFlight) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiters.push({ resolve, reject });
    });
  }

  /** Reads a document; NOT_FOUND when there is none. */
  async get<T = JsonObject>(
    collection: string,
    id: string,
    options: CallOptions = {},
  ): Promise<ReadResult<T>> {
    const answer = await this.call(RequestOp.Get, collection, id, undefined, options);
    return { document: parseDocument<T>(answer), seqno: answer.seqno };
  }

  /** Creates or replaces a document. */
  async put(
    collection: string,
    id: string,
    document: DocumentInput,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    return this.write(RequestOp.Put, collection, id, documentText(document), options);
  }

  /** Applies a JSON merge patch (RFC 7396); NOT_FOUND when there is no such document. */
  async patch(
    collection: string,
    id: string,
    patch: DocumentInput,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    return this.write(RequestOp.Patch, collection, id, documentText(patch), options);
  }

  /** Deletes a document; NOT_FOUND when there is none. */
  async delete(collection: string, id: string, options: WriteOptions = {}): Promise<WriteResult> {
    return this.write(RequestOp.Delete, collection, id, undefined, options);
  }

  /** A round trip through the server's frame handling. */
  async ping(options: CallOptions = {}): Promise<void> {
    await this.call(RequestOp.Ping, '', '', undefined, options);
  }

  /** Reads many documents of one collection; statuses are per key and a missing document is no error. */
  async getMany(collection: string, keys: readonly (string | Uint8Array)[]): Promise<ManyResult> {
    return this.many(RequestOp.Get, collection, keys, undefined, {});
  }

  /** Creates or replaces many documents, each for itself; `values[i]` is the document of `keys[i]`. */
  async putMany(
    collection: string,
    keys: readonly (string | Uint8Array)[],
    values: readonly DocumentInput[],
    options: PutManyOptions = {},
  ): Promise<ManyResult> {
    if (keys.length !== values.length)
      throw invalidRequest(`${keys.length} keys with ${values.length} documents`);
    const texts = values.map(documentText);
    for (const text of texts) checkValue(text);
    return this.many(RequestOp.Put, collection, keys, texts, options);
  }

  /**
   * Accepts nothing more, waits for what is outstanding (at most timeoutMs), then closes the connection. Operations
   * still without an answer are rejected.
   */
  close(): Promise<void> {
    this.closing ??= this.closeGracefully();
    return this.closing;
  }

  private async closeGracefully(): Promise<void> {
    const error = connectionError(CLOSED);
    this.closedBy ??= error;
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
    if (!this.exchange.isIdle && this.isConnected) await this.quiet();
    const connection = this.connection;
    this.shutDown(error);
    await connection?.close(CloseCode.Normal);
  }

  /** Resolves when nothing is outstanding, when the connection is lost, or after timeoutMs. */
  private quiet(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.settings.timeoutMs);
      this.onQuiet = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  private async write(
    op: RequestOp,
    collection: string,
    id: string,
    value: string | Uint8Array | undefined,
    options: WriteOptions,
  ): Promise<WriteResult> {
    if (value !== undefined) checkValue(value);
    const answer = await this.call(op, collection, id, value, options);
    const created = answer.status === STATUS_CREATED;
    return { id, seqno: answer.seqno, durability: options.durability, created };
  }

  private call(
    op: RequestOp,
    collection: string,
    key: string,
    value: string | Uint8Array | undefined,
    options: WriteOptions,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.checkAccepting();
      if (op !== RequestOp.Ping) {
        checkKey(key);
        checkCollection(collection);
      }
      const { settings } = this;
      if (this.exchange.outstanding >= 2 * settings.maxInFlight) throw tooMany(2 * settings.maxInFlight);
      options.signal?.throwIfAborted();
      const isWrite = op !== RequestOp.Get && op !== RequestOp.Ping;
      const { kind, expectedSeqno } = isWrite
        ? conditionOf(options)
        : { kind: ConditionKind.None, expectedSeqno: 0 };
      const { signal } = options;
      let forget: () => void = () => {};
      const operation: Operation = {
        op,
        collection,
        key,
        value,
        condition: kind,
        expectedSeqno,
        durability: durabilityCode(options.durability),
        operationId: isWrite
          ? operationIdOf(options.idempotencyKey, settings.retryWrites, op, collection, key, value)
          : undefined,
        ttlSeconds: isWrite ? ttlCode(options.ttlSeconds) : TTL_UNSET,
        deadlineMs: clock.monotonicMs() + settings.timeoutMs,
        losses: 0,
        resolve: (answer) => {
          forget();
          if (answer.status < 400) resolve(answer);
          else reject(errorOf(answer));
        },
        reject: (error) => {
          forget();
          reject(error);
        },
      };
      if (signal !== undefined) {
        const abort = (): void => {
          this.exchange.withdraw(operation);
          reject(signal.reason);
        };
        signal.addEventListener('abort', abort, { once: true });
        forget = () => signal.removeEventListener('abort', abort);
      }
      this.exchange.add(operation);
      this.scheduleFlush();
    });
  }

  private many(
    op: RequestOp,
    collection: string,
    keys: readonly (string | Uint8Array)[],
    values: readonly (string | Uint8Array)[] | undefined,
    options: PutManyOptions,
  ): Promise<ManyResult> {
    return new Promise((resolve, reject) => {
      this.checkAccepting();
      checkCollection(collection);
      for (const key of keys) checkKey(key);
      const ttlSeconds = ttlCode(options.ttlSeconds);
      if (this.exchange.jobCount >= BULK_CALLS_MAX) throw tooMany(BULK_CALLS_MAX);
      const result = new ManyResult(keys.length);
      if (keys.length === 0) {
        resolve(result);
        return;
      }
      const operationIds =
        op !== RequestOp.Get && this.settings.retryWrites ? randomOperationIds(keys.length) : undefined;
      this.exchange.addJob(
        new BulkJob(
          op,
          collection,
          keys,
          values,
          durabilityCode(options.durability),
          operationIds,
          ttlSeconds,
          result,
          resolve,
          reject,
        ),
      );
      this.scheduleFlush();
    });
  }

  private checkAccepting(): void {
    if (this.closedBy !== undefined) throw this.closedBy;
  }

  private scheduleFlush(): void {
    if (this.isFlushScheduled) return;
    this.isFlushScheduled = true;
    // setImmediate runs after this turn's callbacks and promises: everything they ask for shares a frame.
    if (this.settings.flushIntervalMs === 0) setImmediate(() => this.flush());
    else this.flushTimer = setTimeout(() => this.flush(), this.settings.flushIntervalMs);
  }

  private flush(): void {
    this.isFlushScheduled = false;
    this.exchange.pump(clock.monotonicMs());
  }

  /** After answers, losses or a drained socket: send on, and let waiting callers in. */
  private proceed(): void {
    this.exchange.pump(clock.monotonicMs());
    if (this.exchange.isIdle || !this.isConnected) this.onQuiet();
    let room = this.settings.maxInFlight - this.exchange.outstanding;
    while (room-- > 0 && this.waiters.length > 0) this.waiters.shift()?.resolve();
  }

  private async openConnection(): Promise<void> {
    const { token, connectTimeoutMs, closeTimeoutMs, messageBytesMax, heartbeatMs } = this.settings;
    const options = { url: this.url, token, connectTimeoutMs, closeTimeoutMs, messageBytesMax, heartbeatMs };
    const connection = await WebSocketConnection.open(options, {
      onBinary: (bytes) => {
        const bad = this.exchange.receive(bytes);
        if (bad !== undefined) connection.fail(CloseCode.InvalidPayload, bad);
        this.proceed();
      },
      // We send binary frames only; a text can only be the server's complaint about all of them.
      onText: (text) => connection.fail(CloseCode.Normal, errorFromAnswer(400, text)),
      onDrain: () => this.proceed(),
      onClose: (code, error) => {
        if (this.connection !== connection) return;
        this.connection = undefined;
        this.connectionLost(error ?? connectionError(`the connection was closed (${code})`));
      },
    });
    // close() may have come while the handshake was under way.
    if (this.closing !== undefined) {
      await connection.close();
      throw connectionError(CLOSED);
    }
    this.connection = connection;
  }

  private connectionLost(error: LumaDbError): void {
    this.exchange.connectionLost(error);
    if (this.closing !== undefined) this.exchange.failAll(error);
    else if (this.closedBy === undefined) this.reconnect(0, error);
    this.proceed();
  }

  /** Tries again after a while, up to reconnectAttempts times; an answer that waiting cannot change ends it at once. */
  private reconnect(attempt: number, error: LumaDbError): void {
    if (attempt >= this.settings.reconnectAttempts || !error.retryable) {
      this.shutDown(error);
      return;
    }
    this.reconnectTimer = setTimeout(
      () => {
        this.openConnection().then(
          () => this.proceed(),
          (cause: unknown) => {
            if (this.closing === undefined) this.reconnect(attempt + 1, asLumaDbError(cause));
          },
        );
      },
      backoffMs(attempt, this.prng),
    );
  }

  /** Ends everything but the closing handshake. */
  private shutDown(error: LumaDbError): void {
    this.closedBy ??= error;
    clearInterval(this.sweeper);
    clearTimeout(this.reconnectTimer);
    clearTimeout(this.flushTimer);
    this.connection = undefined;
    this.exchange.failAll(error);
    for (const waiter of this.waiters.splice(0)) waiter.reject(error);
  }

  private sweep(): void {
    if (this.exchange.isIdle) return;
    this.exchange.expire(clock.monotonicMs());
    this.proceed();
  }
}

function checkCollection(name: string): void {
  if (name === '' || !name.isWellFormed()) throw invalidRequest('the collection name is empty or malformed');
}

function tooMany(limit: number): LumaDbError {
  return new LumaDbError(
    'UNAVAILABLE',
    `${limit} calls are outstanding already: await ready() between calls`,
  );
}

function parseDocument<T>(answer: Answer): T {
  try {
    return JSON.parse(utf8.decode(answer.bytes.subarray(answer.start, answer.end))) as T;
  } catch (cause) {
    throw new LumaDbError('INTERNAL_ERROR', 'the answer of the server is not JSON', {
      status: answer.status,
      cause,
    });
  }
}

function errorOf(answer: Answer): LumaDbError {
  return errorFromAnswer(answer.status, utf8.decode(answer.bytes.subarray(answer.start, answer.end)));
}

function asLumaDbError(error: unknown): LumaDbError {
  return error instanceof LumaDbError ? error : connectionError(String(error), error);
}
