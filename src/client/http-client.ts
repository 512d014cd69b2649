/** The HTTP client: documents, collections, bulk, lists and health over kept-alive connections. */
import { randomUUID } from 'node:crypto';
import { TTL_NEVER, TTL_UNSET } from '../base/expiry.js';
import { invalidRequest, LumaDbError } from './error.js';
import { type HttpCall, HttpCalls, parseBody } from './http-calls.js';
import { HttpCollections } from './http-collections.js';
import type { HttpAnswer } from './http-transport.js';
import { HttpTransport } from './http-transport.js';
import { collectionPath, documentPath, queryString } from './paths.js';
import type {
  CallOptions,
  DocumentInput,
  DurabilityLevel,
  JsonObject,
  JsonValue,
  ReadResult,
  TimeToLive,
  WriteOptions,
  WriteResult,
} from './types.js';
import { documentText, ttlCode } from './types.js';

const MAX_CONNECTIONS_DEFAULT = 64;
const TIMEOUT_MS_DEFAULT = 30_000;
const RETRIES_DEFAULT = 2;
const RESPONSE_BYTES_MAX_DEFAULT = 256 * 1024 * 1024;

export interface HttpClientOptions {
  /** `http://host:port`. */
  readonly baseUrl: string;
  /** Connections at a time; further calls wait for one. Default 64. */
  readonly maxConnections?: number;
  /** Limit of one call, with all its attempts and the waits between them. Default 30,000. */
  readonly timeoutMs?: number;
  /** Further attempts after a failure that is safe to repeat. Default 2. */
  readonly retries?: number;
  /** Sent as `Authorization: Bearer`. */
  readonly token?: string;
  /** Longest answer that is read into memory. Default 256 MiB. */
  readonly responseBytesMax?: number;
}

export interface ListOptions extends CallOptions {
  readonly filter?: JsonObject;
  /** A field, with '-' in front for descending order. */
  readonly sort?: string;
  readonly limit?: number;
  /** From `nextCursor` of the page before. */
  readonly cursor?: string;
  readonly offset?: number;
  readonly fields?: readonly string[];
}

export interface ListPage<T = JsonObject> {
  readonly documents: T[];
  readonly hasMore: boolean;
  readonly nextCursor: string | undefined;
  readonly total: number | undefined;
}

export interface BulkOptions extends CallOptions {
  /** All documents of one shard are written, or none. */
  readonly atomic?: boolean;
  readonly durability?: DurabilityLevel;
  readonly idempotencyKey?: string;
  /** Of all documents of the request. */
  readonly ttlSeconds?: TimeToLive;
}

export interface BulkItem {
  readonly id: string | undefined;
  /** 0 when nothing was written. */
  readonly seqno: number;
  /** 201 created, 200 replaced, 400 and above failed. */
  readonly status: number;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

export interface BulkResult {
  readonly created: number;
  readonly replaced: number;
  readonly failed: number;
  readonly durability: DurabilityLevel | undefined;
  /** One per document, in the order of the request. */
  readonly items: readonly BulkItem[];
}

export interface HealthResult {
  readonly isHealthy: boolean;
  readonly status: string;
  readonly body: JsonObject;
}

export class HttpClient {
  readonly collections: HttpCollections;
  private readonly transport: HttpTransport;
  private readonly calls: HttpCalls;

  constructor(options: HttpClientOptions) {
    this.transport = new HttpTransport({
      baseUrl: options.baseUrl,
      maxConnections: options.maxConnections ?? MAX_CONNECTIONS_DEFAULT,
      responseBytesMax: options.responseBytesMax ?? RESPONSE_BYTES_MAX_DEFAULT,
    });
    this.calls = new HttpCalls(this.transport, {
      timeoutMs: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
      retries: options.retries ?? RETRIES_DEFAULT,
      token: options.token,
    });
    this.collections = new HttpCollections(this.calls);
  }

  /** Reads a document; LumaDbError NOT_FOUND when there is none. */
  async get<T = JsonObject>(
    collection: string,
    id: string,
    options: CallOptions = {},
  ): Promise<ReadResult<T>> {
    const path = documentPath(collection, id);
    const answer = await this.calls.send({ method: 'GET', path, signal: options.signal });
    return { document: parseBody<T>(answer), seqno: seqnoOf(answer, undefined) };
  }

  /** Version of a document, or undefined when there is none. */
  async head(
    collection: string,
    id: string,
    options: CallOptions = {},
  ): Promise<{ readonly seqno: number } | undefined> {
    const path = documentPath(collection, id);
    const answer = await this.calls.send({ method: 'HEAD', path, signal: options.signal, accepts: [404] });
    return answer.status === 404 ? undefined : { seqno: seqnoOf(answer, undefined) };
  }

  /** Creates or replaces a document. */
  async put(
    collection: string,
    id: string,
    document: DocumentInput,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    return this.write('PUT', documentPath(collection, id), documentText(document), options, id);
  }

  /** Applies a JSON merge patch (RFC 7396); NOT_FOUND when there is no such document. */
  async patch(
    collection: string,
    id: string,
    patch: DocumentInput,
    options: WriteOptions = {},
  ): Promise<WriteResult> {
    return this.write('PATCH', documentPath(collection, id), documentText(patch), options, id);
  }

  /** Deletes a document; NOT_FOUND when there is none. */
  async delete(collection: string, id: string, options: WriteOptions = {}): Promise<WriteResult> {
    return this.write('DELETE', documentPath(collection, id), undefined, options, id);
  }

  /**
   * Creates a document. Without `_id` the client chooses one, so that a repeated attempt reaches the same shard and
   * is recognised there.
   */
  async post(collection: string, document: JsonObject, options: WriteOptions = {}): Promise<WriteResult> {
    const body = withId(document);
    return this.write('POST', collectionPath(collection), JSON.stringify(body), options, String(body['_id']));
  }

  /** The same as post(). */
  async create(collection: string, document: JsonObject, options: WriteOptions = {}): Promise<WriteResult> {
    return this.post(collection, document, options);
  }

  async list<T = JsonObject>(collection: string, options: ListOptions = {}): Promise<ListPage<T>> {
    const query = queryString({
      filter: options.filter === undefined ? undefined : JSON.stringify(options.filter),
      sort: options.sort,
      limit: options.limit,
      cursor: options.cursor,
      offset: options.offset,
      fields: options.fields?.join(','),
    });
    const path = collectionPath(collection) + query;
    const answer = await this.calls.send({ method: 'GET', path, signal: options.signal });
    const { data, pagination } = parseBody<{
      data: T[];
      pagination: { has_more?: boolean; next_cursor?: string | null; total?: number };
    }>(answer);
    return {
      documents: data,
      hasMore: pagination.has_more === true,
      nextCursor: pagination.next_cursor ?? undefined,
      total: pagination.total,
    };
  }

  /** Writes many documents in one request; each succeeds or fails for itself. Ids are chosen as in post(). */
  async bulk(
    collection: string,
    documents: readonly JsonObject[],
    options: BulkOptions = {},
  ): Promise<BulkResult> {
    const answer = await this.calls.send({
      method: 'POST',
      path: `${collectionPath(collection)}/bulk${queryString({ atomic: options.atomic })}`,
      body: JSON.stringify({ documents: documents.map(withId) }),
      headers: { ...durabilityHeader(options.durability), ...ttlHeader(options.ttlSeconds) },
      isDocumentWrite: true,
      idempotencyKey: options.idempotencyKey,
      signal: options.signal,
    });
    const { created, replaced, failed, results } = parseBody<BulkBody>(answer);
    return { created, replaced, failed, durability: durabilityOf(answer), items: results.map(bulkItem) };
  }

  /** What /health says. An unhealthy server (503) is a result, not an error. */
  async health(options: CallOptions = {}): Promise<HealthResult> {
    const call: HttpCall = { method: 'GET', path: '/health', signal: options.signal, accepts: [503] };
    const answer = await this.calls.send(call);
    const body = parseBody<JsonObject>(answer);
    return { isHealthy: answer.status === 200, status: String(body['status']), body };
  }

  async status(options: CallOptions = {}): Promise<JsonObject> {
    return parseBody(await this.calls.send({ method: 'GET', path: '/status', signal: options.signal }));
  }

  /** Closes the connections; calls under way fail. */
  close(): void {
    this.transport.close();
  }

  private async write(
    method: HttpCall['method'],
    path: string,
    body: string | Uint8Array | undefined,
    options: WriteOptions,
    id: string,
  ): Promise<WriteResult> {
    const headers = {
      ...durabilityHeader(options.durability),
      ...ttlHeader(options.ttlSeconds),
      ...conditionHeaders(options),
    };
    const { idempotencyKey, signal } = options;
    const answer = await this.calls.send({
      method,
      path,
      body,
      headers,
      isDocumentWrite: true,
      idempotencyKey,
      signal,
    });
    const result = answer.body.length === 0 ? {} : parseBody<{ _id?: JsonValue; _seq?: JsonValue }>(answer);
    return {
      id: typeof result._id === 'string' ? result._id : id,
      seqno: seqnoOf(answer, result._seq),
      durability: durabilityOf(answer),
      created: answer.status === 201,
    };
  }
}

interface BulkBody {
  readonly created: number;
  readonly replaced: number;
  readonly failed: number;
  readonly results: readonly {
    readonly _id?: string;
    readonly _seq?: number;
    readonly status: number;
    readonly error?: { readonly code: string; readonly message: string };
  }[];
}

function bulkItem({ _id, _seq, status, error }: BulkBody['results'][number]): BulkItem {
  return { id: _id, seqno: _seq ?? 0, status, error };
}

function withId(document: JsonObject): JsonObject {
  return document['_id'] === undefined ? { ...document, _id: randomUUID() } : document;
}

function durabilityHeader(level: DurabilityLevel | undefined): Record<string, string> {
  return level === undefined ? {} : { 'x-lumadb-durability': level };
}

function ttlHeader(ttlSeconds: TimeToLive | undefined): Record<string, string> {
  const code = ttlCode(ttlSeconds);
  if (code === TTL_UNSET) return {};
  return { 'x-lumadb-ttl': code === TTL_NEVER ? 'none' : String(code) };
}

function conditionHeaders(options: WriteOptions): Record<string, string> {
  if (options.ifMatch !== undefined && options.ifNoneMatch !== undefined) {
    throw invalidRequest('ifMatch and ifNoneMatch exclude each other');
  }
  if (options.ifNoneMatch !== undefined) return { 'if-none-match': '*' };
  if (options.ifMatch === undefined) return {};
  return { 'if-match': options.ifMatch === '*' ? '*' : `"${options.ifMatch}"` };
}

function durabilityOf(answer: HttpAnswer): DurabilityLevel | undefined {
  const level = answer.headers['x-lumadb-durability'];
  return level === 'always' || level === 'group' || level === 'os' ? level : undefined;
}

function seqnoOf(answer: HttpAnswer, inBody: JsonValue | undefined): number {
  if (typeof inBody === 'number') return inBody;
  const match = /^(?:W\/)?"(\d+)"$/.exec(answer.headers.etag ?? '');
  if (match !== null) return Number(match[1]);
  throw new LumaDbError('INTERNAL_ERROR', 'the answer of the server names no version', {
    status: answer.status,
  });
}
