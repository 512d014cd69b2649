/** One HTTP exchange over a pool of kept-alive connections (node:http's Agent). Knows no API and retries nothing. */
import {
  Agent as HttpAgent,
  request as httpRequest,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type OutgoingHttpHeaders,
} from 'node:http';
import {
  Agent as HttpsAgent,
  type AgentOptions as HttpsAgentOptions,
  request as httpsRequest,
} from 'node:https';
import { connectionError, invalidRequest, LumaDbError, timeoutError } from './error.js';

export interface HttpTransportOptions {
  /** `http://host:port`, perhaps with a path in front of the API's. */
  readonly baseUrl: string;
  readonly maxConnections: number;
  /** Longest answer that is read into memory. */
  readonly responseBytesMax: number;
  /** Of https:// addresses. */
  readonly tls?: HttpTls;
}

export interface HttpTls {
  /** PEM text of the authorities to trust; undefined: those that Node.js knows. */
  readonly ca?: string;
  /** False: whatever name the certificate has, it is the right one. */
  readonly checksName: boolean;
}

export interface HttpExchange {
  readonly method: string;
  readonly path: string;
  readonly headers: OutgoingHttpHeaders;
  readonly body?: string | Uint8Array;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer whose body has not been read. Whoever opened it reads `body` to its end, or destroys it. */
export interface OpenAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: IncomingMessage;
}

export class HttpTransport {
  private readonly base: URL;
  private readonly agent: HttpAgent;
  private readonly request: typeof httpRequest;
  private readonly hostname: string;
  private readonly pathPrefix: string;

  constructor(private readonly options: HttpTransportOptions) {
    this.base = parseBaseUrl(options.baseUrl);
    const isTls = this.base.protocol === 'https:';
    const agentOptions = {
      keepAlive: true,
      maxSockets: options.maxConnections,
      maxFreeSockets: options.maxConnections,
    };
    this.agent = isTls
      ? new HttpsAgent({ ...agentOptions, ...tlsOptions(options.tls) })
      : new HttpAgent(agentOptions);
    this.request = isTls ? httpsRequest : httpRequest;
    this.hostname = this.base.hostname.replace(/^\[|\]$/g, '');
    this.pathPrefix = this.base.pathname.replace(/\/$/, '');
  }

  /** Any complete answer is a result. Without one: LumaDbError with status 0, or the signal's reason. */
  send(exchange: HttpExchange): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs, body } = exchange;
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const outgoing = this.request({
        agent: this.agent,
        host: this.hostname,
        port: this.base.port === '' ? undefined : this.base.port,
        method: exchange.method,
        path: this.pathPrefix + exchange.path,
        headers: withLength(exchange.headers, body),
      });
      let isSettled = false;
      const settle = (act: () => void): void => {
        if (isSettled) return;
        isSettled = true;
        clearTimeout(timer);
        signal?.removeEventListener('abort', abort);
        act();
      };
      const fail = (error: unknown): void => {
        settle(() => reject(error));
        outgoing.destroy();
      };
      const abort = (): void => fail(signal?.reason);
      const what = `${exchange.method} ${exchange.path}`;
      const timer = setTimeout(() => fail(timeoutError(what, timeoutMs)), timeoutMs);
      signal?.addEventListener('abort', abort, { once: true });
      outgoing.on('error', (error) => fail(this.unreachable(error)));
      outgoing.on('response', (incoming) => {
        collect(incoming, this.options.responseBytesMax).then(
          (answer) => settle(() => resolve(answer)),
          (error: Error) => fail(error instanceof LumaDbError ? error : this.unreachable(error)),
        );
      });
      outgoing.end(body);
    });
  }

  /**
   * The answer as soon as its head is there; `timeoutMs` is the limit until then. For bodies of any length, at the pace
   * of the reader.
   */
  open(exchange: HttpExchange): Promise<OpenAnswer> {
    return new Promise((resolve, reject) => {
      const { signal, timeoutMs, body, method, path } = exchange;
      signal?.throwIfAborted();
      const outgoing = this.request({
        agent: this.agent,
        host: this.hostname,
        port: this.base.port === '' ? undefined : this.base.port,
        method,
        path: this.pathPrefix + path,
        headers: withLength(exchange.headers, body),
        signal,
      });
      const timer = setTimeout(
        () => outgoing.destroy(timeoutError(`${method} ${path}`, timeoutMs)),
        timeoutMs,
      );
      outgoing.on('error', (error) => {
        clearTimeout(timer);
        if (signal?.aborted) reject(signal.reason);
        else reject(error instanceof LumaDbError ? error : this.unreachable(error));
      });
      outgoing.on('response', (incoming) => {
        clearTimeout(timer);
        resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: incoming });
      });
      outgoing.end(body);
    });
  }

  /** Closes idle and busy connections. */
  close(): void {
    this.agent.destroy();
  }

  private unreachable(error: Error): LumaDbError {
    const code = (error as NodeJS.ErrnoException).code;
    return connectionError(`no answer from ${this.base.origin}: ${code ?? error.message}`, error);
  }
}

function tlsOptions(tls: HttpTls | undefined): HttpsAgentOptions {
  if (tls === undefined) return {};
  return { ca: tls.ca, ...(!tls.checksName && { checkServerIdentity: () => undefined }) };
}

function parseBaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw invalidRequest(`baseUrl must be an http:// or https:// address, not ${JSON.stringify(text)}`);
  }
  return url;
}

function withLength(
  headers: OutgoingHttpHeaders,
  body: string | Uint8Array | undefined,
): OutgoingHttpHeaders {
  if (body === undefined) return headers;
  return { ...headers, 'content-length': Buffer.byteLength(body) };
}

function collect(incoming: IncomingMessage, bytesMax: number): Promise<HttpAnswer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > bytesMax) {
        reject(new LumaDbError('PAYLOAD_TOO_LARGE', `the answer is larger than ${bytesMax} bytes`));
        incoming.destroy();
        return;
      }
      chunks.push(chunk);
    });
    incoming.on('end', () => {
      const body = chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size);
      resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body });
    });
    incoming.on('error', reject);
    incoming.on('close', () => reject(new Error('the connection closed in the middle of an answer')));
  });
}
