/** Collections over HTTP: create, list, get, drop. */
import type { HttpCalls } from './http-calls.js';
import { parseBody } from './http-calls.js';
import { API_ROOT, encodeSegment } from './paths.js';
import type { CallOptions, JsonObject, JsonValue } from './types.js';

const COLLECTIONS_PATH = `${API_ROOT}/collections`;

export interface CollectionInfo {
  readonly name: string;
  readonly documentCount: number;
  readonly sizeBytes: number;
  readonly indexes: readonly JsonValue[];
  readonly createdAt: string;
}

export interface CreateCollectionOptions extends CallOptions {
  readonly schema?: JsonObject;
  readonly indexes?: readonly JsonObject[];
  readonly ttl?: JsonValue;
}

interface CollectionBody {
  readonly name: string;
  readonly document_count?: number;
  readonly size_bytes?: number;
  readonly indexes?: readonly JsonValue[];
  readonly created_at?: string;
}

function infoOf(body: CollectionBody): CollectionInfo {
  return {
    name: body.name,
    documentCount: body.document_count ?? 0,
    sizeBytes: body.size_bytes ?? 0,
    indexes: body.indexes ?? [],
    createdAt: body.created_at ?? '',
  };
}

function pathOf(name: string): string {
  return `${COLLECTIONS_PATH}/${encodeSegment(name, 'the collection name')}`;
}

export class HttpCollections {
  constructor(private readonly calls: HttpCalls) {}

  /** Creates a collection; CONFLICT when it exists. Not retried: creating twice answers differently. */
  async create(name: string, options: CreateCollectionOptions = {}): Promise<CollectionInfo> {
    const { signal, ...settings } = options;
    const body = JSON.stringify({ name, ...settings });
    return infoOf(parseBody(await this.calls.send({ method: 'POST', path: COLLECTIONS_PATH, body, signal })));
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
