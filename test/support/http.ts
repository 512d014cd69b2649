/** HTTP as tests need it: every status is an answer, bodies are kept as bytes, and raw sockets for what is no HTTP. */
import { Agent, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WAIT_MS_MAX } from './time.js';

export interface RequestOptions {
  /** Text and bytes go out as they are, anything else as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly text: string;
  /** The body parsed as JSON; throws when it is not JSON. */
  // biome-ignore lint/suspicious/noExplicitAny: tests pick answers apart in many ways
  readonly json: any;
}

const TIMEOUT_MS_DEFAULT = WAIT_MS_MAX;
const CONNECTIONS_MAX = 64;
const IDLE_MS_MAX = 4000;

/** Timers do not run while this process stands still, and connections grow old all the same: asked before each request. */
class CarefulAgent extends Agent {
  private readonly idleSinceMs = new WeakMap<Duplex, number>();

  /** True keeps the connection for later requests. */
  override keepSocketAlive(socket: Duplex): boolean {
    this.idleSinceMs.set(socket, performance.now());
    // Declared without a result, and documented to have one.
    return super.keepSocketAlive(socket) as unknown as boolean;
  }

  dropIdle(): void {
    const oldestMs = performance.now() - IDLE_MS_MAX;
    for (const sockets of Object.values(this.freeSockets))
      for (const socket of sockets ?? [])
        if ((this.idleSinceMs.get(socket) ?? 0) < oldestMs) socket.destroy();
  }
}

export class HttpCaller {
  /** Gives idle connections up before the server does, after 10 seconds: no request meets a closing one. */
  private readonly agent = new CarefulAgent({
    keepAlive: true,
    maxSockets: CONNECTIONS_MAX,
    timeout: IDLE_MS_MAX,
  });

  constructor(private readonly port: number) {}

  request(method: string, path: string, options: RequestOptions = {}): Promise<Answer> {
    const body = bodyBytes(options.body);
    const length = body === undefined ? {} : { 'content-length': String(body.length) };
    this.agent.dropIdle();
    return new Promise((resolve, reject) => {
      const request = httpRequest(
        {
          host: '127.0.0.1',
          port: this.port,
          method,
          path,
          agent: this.agent,
          headers: { ...length, ...options.headers },
          timeout: options.timeoutMs ?? TIMEOUT_MS_DEFAULT,
        },
        (response) => {
          const chunks: Buffer[] = [];
          response.on('data', (chunk: Buffer) => chunks.push(chunk));
          response.once('error', reject);
          response.once('end', () =>
            resolve(answerOf(response.statusCode ?? 0, response.headers, Buffer.concat(chunks))),
          );
        },
      );
      request.once('timeout', () => request.destroy(new Error(`no answer to ${method} ${path}`)));
      request.once('error', reject);
      request.end(body);
    });
  }

  close(): void {
    this.agent.destroy();
  }
}

function bodyBytes(body: unknown): Uint8Array | undefined {
  if (body === undefined || body instanceof Uint8Array) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

function answerOf(status: number, headers: IncomingHttpHeaders, body: Buffer): Answer {
  return {
    status,
    headers,
    body,
    get text() {
      return body.toString('utf8');
    },
    get json() {
      return JSON.parse(body.toString('utf8'));
    },
  };
}

/** A bare TCP connection. Errors end it and are kept, never thrown: the other side may be gone on purpose. */
export class RawConnection {
  readonly socket: Socket;
  received = Buffer.alloc(0);
  error: Error | undefined;
  readonly closed: Promise<void>;
  private wake: () => void = () => {};

  constructor(port: number) {
    this.socket = connect({ host: '127.0.0.1', port });
    this.socket.on('data', (chunk) => {
      this.received = Buffer.concat([this.received, chunk]);
      this.wake();
    });
    this.socket.on('error', (error) => {
      this.error = error;
    });
    this.closed = new Promise((resolve) => {
      this.socket.once('close', () => {
        resolve();
        this.wake();
      });
    });
  }

  static async open(port: number): Promise<RawConnection> {
    const connection = new RawConnection(port);
    await new Promise<void>((resolve, reject) => {
      connection.socket.once('connect', resolve);
      connection.socket.once('error', reject);
    });
    return connection;
  }

  send(data: string | Uint8Array): void {
    this.socket.write(data);
  }

  /** Resolves with what `find` returns as soon as that is not undefined; rejects when the connection closes first. */
  async wait<T>(find: (received: Buffer) => T | undefined, timeoutMs = WAIT_MS_MAX): Promise<T> {
    const end = performance.now() + timeoutMs;
    for (;;) {
      const found = find(this.received);
      if (found !== undefined) return found;
      if (this.socket.closed) throw new Error(`the connection was closed after: ${this.received}`);
      const left = end - performance.now();
      if (left <= 0) throw new Error(`nothing came within ${timeoutMs} ms after: ${this.received}`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        this.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  destroy(): void {
    this.socket.destroy();
  }
}

export interface RawAnswer {
  readonly status: number;
  readonly head: string;
  readonly body: Buffer;
}

/** Splits what came over a connection into answers; an incomplete last one is left out. `withBody[i]`: not a HEAD. */
export function splitAnswers(bytes: Buffer, isHead: (index: number) => boolean = () => false): RawAnswer[] {
  const answers: RawAnswer[] = [];
  for (let at = 0; ; ) {
    const end = bytes.indexOf('\r\n\r\n', at);
    if (end < 0) return answers;
    const head = bytes.toString('latin1', at, end);
    const status = /^HTTP\/1\.1 (\d{3}) /.exec(head);
    if (status === null) throw new Error(`no HTTP answer: ${JSON.stringify(head.slice(0, 200))}`);
    const declared = /\r\ncontent-length: (\d+)/i.exec(head);
    const length = declared === null || isHead(answers.length) ? 0 : Number(declared[1]);
    if (bytes.length < end + 4 + length) return answers;
    answers.push({ status: Number(status[1]), head, body: bytes.subarray(end + 4, end + 4 + length) });
    at = end + 4 + length;
  }
}
