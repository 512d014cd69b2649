/** Collections over HTTP: create, change, list, get, drop. */
import type { HttpCall, HttpCalls } from './http-calls.js';
import { parseBody } from './http-calls.js';
import { API_ROOT, encodeSegment } from './paths.js';
import type { CallOptions, JsonObject, JsonValue, TimeToLive } from './types.js';

const COLLECTIONS_PATH = `${API_ROOT}/collections`;

export interface CollectionInfo {
  readonly name: string;
  readonly documentCount: number;
  readonly sizeBytes: number;
  readonly indexes: readonly JsonValue[];
  readonly createdAt: string;
  /** Default of documents written to it, in seconds; null: they do not expire. */
  readonly ttlSeconds: number | null;
}

export interface CreateCollectionOptions extends CallOptions {
  readonly schema?: JsonObject;
  readonly indexes?: readonly JsonObject[];
  /** Default of documents written to it, in seconds. */
  readonly ttlSeconds?: TimeToLive;
}

interface CollectionBody {
  readonly name: string;
  readonly document_count?: number;
  readonly size_bytes?: number;
  readonly indexes?: readonly JsonValue[];
  readonly created_at?: string;
  readonly ttl?: number | null;
}

function infoOf(body: CollectionBody): CollectionInfo {
  return {
    name: body.name,
    documentCount: body.document_count ?? 0,
    sizeBytes: body.size_bytes ?? 0,
    indexes: body.indexes ?? [],
    createdAt: body.created_at ?? '',
    ttlSeconds: body.ttl ?? null,
  };
}

function pathOf(name: string): string {
  return `${COLLECTIONS_PATH}/${encodeSegment(name, 'the collection name')}`;
}

export class HttpCollections {
  constructor(private readonly calls: HttpCalls) {}

  /** Creates a collection; CONFLICT when it exists. Not retried: creating twice answers differently. */
  async create(name: string, options: CreateCollectionOptions = {}): Promise<CollectionInfo> {
    const { signal, ttlSeconds: ttl, ...settings } = options;
    const body = JSON.stringify({ name, ttl, ...settings });
    return infoOf(parseBody(await this.calls.send({ method: 'POST', path: COLLECTIONS_PATH, body, signal })));
  }

  /** Changes the default for documents written from then on; null takes it away. NOT_FOUND when there is none. */
  async setTtl(name: string, ttlSeconds: TimeToLive, options: CallOptions = {}): Promise<CollectionInfo> {
    const body = JSON.stringify({ ttl: ttlSeconds });
    const call: HttpCall = { method: 'PATCH', path: pathOf(name), body, signal: options.signal };
    return infoOf(parseBody(await this.calls.send(call)));
  }

  async list(options: CallOptions = {}): Promise<CollectionInfo[]> {
    const answer = await this.calls.send({ method: 'GET', path: COLLECTIONS_PATH, signal: options.signal });
    return parseBody<{ collections: CollectionBody[] }>(answer).collections.map(infoOf);
  }

  /** NOT_FOUND when there is no such collection. */
  async get(name: string, options: CallOptions = {}): Promise<CollectionInfo> {
    return infoOf(
      parseBody(await this.calls.send({ method: 'GET', path: pathOf(name), signal: options.signal })),
    );
  }

  /** Deletes a collection with all its documents. Not retried: it might drop a successor of the same name. */
  async drop(name: string, options: CallOptions = {}): Promise<void> {
    await this.calls.send({ method: 'DELETE', path: pathOf(name), signal: options.signal });
  }
}
