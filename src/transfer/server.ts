/** The two calls of the API that imports and exports are made of, without retries: bulk writes and streamed queries. */

import { systemClock } from '../base/clock.js';
import { parseRetryAfter } from '../client/backoff.js';
import { errorFromAnswer, LumaDbError } from '../client/error.js';
import { type HttpAnswer, type HttpTls, HttpTransport } from '../client/http-transport.js';
import { API_ROOT, collectionPath } from '../client/paths.js';
import type { DurabilityLevel } from '../client/types.js';

export interface ServerOptions {
  /** `http://host:port` or https. */
  readonly url: string;
  readonly token: string | undefined;
  readonly tls: HttpTls | undefined;
}

export interface BulkRequest {
  readonly collection: string;
  /** One document a line. */
  readonly body: Uint8Array;
  /** Existing documents are conflicts. */
  readonly createOnly: boolean;
  readonly durability: DurabilityLevel | undefined;
}

export interface BulkItemAnswer {
  readonly status: number;
  readonly error?: { readonly code: string; readonly message: string };
}

const CONNECTIONS_MAX = 64;
/** Of the answer to a bulk request: 10,000 results with messages. */
const RESPONSE_BYTES_MAX = 64 * 1024 * 1024;
const BULK_TIMEOUT_MS = 60_000;
/** Until the first row: a condition without an index may look at the whole collection before it finds one. */
const QUERY_TIMEOUT_MS = 24 * 3600 * 1000;

export class TransferServer {
  private readonly transport: HttpTransport;

  constructor(private readonly options: ServerOptions) {
    this.transport = new HttpTransport({
      baseUrl: options.url,
      maxConnections: CONNECTIONS_MAX,
      responseBytesMax: RESPONSE_BYTES_MAX,
      tls: options.tls,
    });
  }

  /** One answer per document. Throws LumaDbError when the request as a whole got none. */
  async bulk(request: BulkRequest, signal?: AbortSignal): Promise<readonly BulkItemAnswer[]> {
    const answer = await this.transport.send({
      method: 'POST',
      path: `${collectionPath(request.collection)}/bulk${request.createOnly ? '?create=true' : ''}`,
      headers: {
        ...this.headers('application/x-ndjson', 'application/json'),
        ...(request.durability !== undefined && { 'x-lumadb-durability': request.durability }),
      },
      body: request.body,
      timeoutMs: BULK_TIMEOUT_MS,
      signal,
    });
    if (answer.status >= 300) throw errorOf(answer);
    return (JSON.parse(answer.body.toString('utf8')) as { results: BulkItemAnswer[] }).results;
  }

  /** The answer of a statement, a row as an object a line, in the pieces in which it comes. */
  async *query(query: string, params: readonly unknown[], signal?: AbortSignal): AsyncGenerator<Uint8Array> {
    const answer = await this.transport.open({
      method: 'POST',
      path: `${API_ROOT}/query`,
      headers: this.headers('application/json', 'application/x-ndjson'),
      body: JSON.stringify({ query, params, timeout_ms: QUERY_TIMEOUT_MS }),
      timeoutMs: QUERY_TIMEOUT_MS,
      signal,
    });
    const { status, headers, body } = answer;
    try {
      if (status >= 300) throw errorOf({ status, headers, body: Buffer.concat(await body.toArray()) });
      for await (const chunk of body) yield chunk as Buffer;
    } catch (error) {
      if (error instanceof LumaDbError || signal?.aborted) throw error;
      throw new LumaDbError(
        'UNAVAILABLE',
        `the answer of the server ends in the middle: ${(error as Error).message}`,
      );
    } finally {
      body.destroy();
    }
  }

  /** How many documents there are, about; undefined when that cannot be told. */
  async count(collection: string): Promise<number | undefined> {
    try {
      const path = `${API_ROOT}/collections/${encodeURIComponent(collection)}`;
      const headers = this.headers(undefined, 'application/json');
      const answer = await this.transport.send({ method: 'GET', path, headers, timeoutMs: BULK_TIMEOUT_MS });
      const { document_count: count } = JSON.parse(answer.body.toString('utf8')) as {
        document_count?: number;
      };
      return typeof count === 'number' ? count : undefined;
    } catch {
      return undefined;
    }
  }

  close(): void {
    this.transport.close();
  }

  private headers(contentType: string | undefined, accept: string): Record<string, string> {
    const { token } = this.options;
    return {
      accept,
      ...(contentType !== undefined && { 'content-type': contentType }),
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    };
  }
}

function errorOf(answer: HttpAnswer): LumaDbError {
  return errorFromAnswer(answer.status, answer.body.toString('utf8'), {
    retryAfterMs: parseRetryAfter(answer.headers['retry-after'], systemClock.wallMs()),
  });
}
