/** Which server a command talks to, and the HTTP call to it. */
import { type Command, InvalidArgumentError } from 'commander';
import { savedLogin } from './credentials.js';
import { CliError } from './output.js';

export interface ConnectionOptions {
  readonly host?: string;
  readonly port?: number;
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
  readonly token?: string;
  readonly tls?: boolean;
  readonly ca?: string;
}

export interface Address {
  readonly host: string;
  readonly port: number;
  /** `http://host:port`. */
  readonly url: string;
  /** The process that announced this address in a data directory, when it is known. */
  readonly pid: number | null;
}

/** How a certificate is judged. */
export interface TlsTarget {
  /** PEM file of the authorities; undefined: those that Node knows. */
  readonly certificates: string | undefined;
  /** It is the server's own, out of its data directory: whatever name it has, it is the right one. */
  readonly isOwn: boolean;
}

export interface Target extends Address {
  /** Undefined: plain HTTP. */
  readonly tls: TlsTarget | undefined;
  /** Shown as a bearer token; undefined where there is none to show. */
  readonly token: string | undefined;
}

export interface Answer {
  readonly status: number;
  readonly text: string;
  /** The parsed body, or null when it is not JSON. */
  readonly body: unknown;
}

export function parsePort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65535)
    throw new InvalidArgumentError('It must be a whole number from 0 to 65535.');
  return port;
}

export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print JSON, for scripts');
}

/** The options of every command that talks to a running server. */
export function addConnectionOptions(command: Command): Command {
  command
    .option(
      '--host <host>',
      'host of the server (default: the one that runs in the data directory, else server.host)',
    )
    .option('--port <port>', 'port of the server (default: likewise, else server.port)', parsePort)
    .option('--data-dir <dir>', 'find the server by the data directory that it holds')
    .option('--config <file>', 'configuration to take the defaults from')
    .option('--tls', 'speak HTTPS (default: only to a server on this machine that does)')
    .option('--ca <file>', 'PEM file of the authorities to trust; speaks HTTPS (default: LUMADB_CA)')
    .option('--token <token>', 'login token or API key (default: LUMADB_TOKEN, else the saved login)');
  return addJsonOption(command);
}

/** An address to connect to, for one that may be a wildcard to listen on. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' || host === '[::]' ? '::1' : host;
}

function address(host: string, port: number, pid: number | null): Address {
  const to = reachable(host);
  if (port === 0)
    throw new CliError('the server picks its own port (server.port = 0): name it with --port or --data-dir');
  const inUrl = to.includes(':') && !to.startsWith('[') ? `[${to}]` : to;
  return { host: to, port, url: `http://${inUrl}:${port}`, pid };
}

/** Flags first, then what a live server announced in the data directory, then the configuration. */
export async function resolveTarget(options: ConnectionOptions): Promise<Target> {
  const found = await resolveAddress(options);
  const local = await localServer(found, options);
  const certificate = options.ca ?? process.env['LUMADB_CA'];
  const tls = tlsOf(options.tls === true || certificate !== undefined, certificate, local?.certificate);
  const to = tls === undefined ? found : { ...found, url: found.url.replace(/^http:/, 'https:') };
  const token = options.token ?? process.env['LUMADB_TOKEN'] ?? savedLogin(to.url)?.token ?? local?.token;
  return { ...to, tls, token };
}

/** Undefined for plain HTTP. */
function tlsOf(
  isAsked: boolean,
  authorities: string | undefined,
  own: string | undefined,
): TlsTarget | undefined {
  if (authorities !== undefined) return { certificates: authorities, isOwn: false };
  if (own !== undefined) return { certificates: own, isOwn: true };
  return isAsked ? { certificates: undefined, isOwn: false } : undefined;
}

async function resolveAddress(options: ConnectionOptions): Promise<Address> {
  const { host, port } = options;
  if (host !== undefined && port !== undefined) return address(host, port, null);
  const { readAnnouncement } = await import('../runtime/data-directory.js');
  if (options.dataDir !== undefined) {
    const found = readAnnouncement(options.dataDir);
    if (found === null || found.host === null || found.port === null) {
      throw new CliError(`no running server has announced itself in the data directory ${options.dataDir}`);
    }
    return address(host ?? found.host, port ?? found.port, port === undefined ? found.pid : null);
  }
  const { loadConfig } = await import('../config/load.js');
  const { config } = loadConfig({ file: options.config, env: process.env });
  const found = readAnnouncement(config.storage.data_dir);
  const announced = found !== null && found.host !== null && found.port !== null;
  if (announced && host === undefined && (port === undefined || port === found.port)) {
    return address(found.host, found.port, found.pid);
  }
  return address(host ?? config.server.host, port ?? config.server.port, null);
}

interface LocalServer {
  readonly token: string | undefined;
  /** Path of its certificate, when it has one. */
  readonly certificate: string | undefined;
}

/** What is in the data directory of a server on this machine, if we may read it; shown to no other server. */
async function localServer(to: Address, options: ConnectionOptions): Promise<LocalServer | undefined> {
  const directory = options.dataDir ?? (await configuredDirectory(options));
  if (directory === undefined) return undefined;
  const { readAnnouncement } = await import('../runtime/data-directory.js');
  const { readLocalToken } = await import('../runtime/security-files.js');
  const { isLoopback } = await import('../config/exposure.js');
  const found = readAnnouncement(directory);
  if (found === null || found.host === null || found.port !== to.port) return undefined;
  const there = reachable(found.host);
  const isSame = there === to.host || (isLoopback(there) && isLoopback(to.host));
  return isSame ? { token: readLocalToken(directory), certificate: found.tls_cert } : undefined;
}

/** Undefined when the configuration cannot be read: with host and port named it is not needed. */
async function configuredDirectory(options: ConnectionOptions): Promise<string | undefined> {
  const { checkConfig } = await import('../config/load.js');
  return checkConfig({ file: options.config, env: process.env }).loaded?.config.storage.data_dir;
}

function causeCode(error: unknown): string {
  const cause = (error as { cause?: { code?: string; errors?: readonly { code?: string }[] } }).cause;
  const own = (error as NodeJS.ErrnoException).code;
  return cause?.code ?? cause?.errors?.[0]?.code ?? own ?? (error as Error).name;
}

/** A sentence for a request that got no answer. */
export function connectionFailure(to: Target, error: unknown, timeoutMs: number): CliError {
  const code = causeCode(error);
  const cause = (error as { cause?: Error }).cause;
  const reasons: Readonly<Record<string, string>> = {
    ECONNREFUSED:
      'nothing listens there. Is the server running? (lumadb start; for one elsewhere --port or --data-dir)',
    ENOTFOUND: `the name ${to.host} is unknown`,
    EAI_AGAIN: `the name ${to.host} cannot be looked up right now`,
    ECONNRESET: 'the server closed the connection',
    UND_ERR_SOCKET: 'the server closed the connection, or it does not speak HTTP',
    TimeoutError: `no answer within ${timeoutMs} ms`,
    UND_ERR_CONNECT_TIMEOUT: 'no answer to the connection attempt',
    EHOSTUNREACH: 'the host cannot be reached',
    ENETUNREACH: 'the network cannot be reached',
  };
  if (cause?.message === 'bad port') {
    return new CliError(
      `cannot reach ${to.url}: the Fetch standard blocks port ${to.port}; use curl, or another port`,
    );
  }
  const reason = reasons[code] ?? `${cause?.message ?? (error as Error).message}`;
  const isCertificate = /CERT|SELF_SIGNED|ALTNAME|UNABLE_TO/.test(code) && to.tls !== undefined;
  const hint = isCertificate ? ' (--ca names the authorities to trust)' : '';
  return new CliError(`cannot reach ${to.url}: ${reason}${hint}`, undefined, { cause: error });
}

export interface CallOptions {
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly body?: unknown;
  readonly timeoutMs?: number;
  /** Gives up besides. */
  readonly signal?: AbortSignal;
  /** Of the answer's text; what comes after it is left out. Default: all of it. */
  readonly bytesMax?: number;
}

const CALL_TIMEOUT_MS = 10_000;
/** Of an answer that is not in the form of ours, in characters. */
const ANSWER_TEXT_MAX = 200;

/** One HTTP request. Any answer is a result; no answer is a CliError. */
export async function call(to: Target, path: string, options: CallOptions = {}): Promise<Answer> {
  const timeoutMs = options.timeoutMs ?? CALL_TIMEOUT_MS;
  const timeout = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const { status, chunks } = await exchange(to, path, options, signal);
    const text = await readText(chunks, options.bytesMax ?? Number.POSITIVE_INFINITY);
    return { status, text, body: parseBody(text) };
  } catch (error) {
    throw connectionFailure(to, timeout.aborted ? timeout.reason : error, timeoutMs);
  }
}

/** What the server that the options name answers. Throws CliError when it refuses, or does not answer. */
export async function ask<T>(options: ConnectionOptions, path: string, request?: CallOptions): Promise<T> {
  const answer = await call(await resolveTarget(options), path, request);
  if (answer.status >= 300) throw new CliError(answerMessage(answer));
  return answer.body as T;
}

interface Exchanged {
  readonly status: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

async function exchange(
  to: Target,
  path: string,
  options: CallOptions,
  signal: AbortSignal,
): Promise<Exchanged> {
  const method = options.method ?? 'GET';
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  const headers = {
    ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(to.token === undefined ? {} : { authorization: `Bearer ${to.token}` }),
  };
  if (to.tls !== undefined) {
    const { httpsRequest } = await import('./https-request.js');
    return httpsRequest(to, to.tls, { method, path, headers, body, signal });
  }
  const response = await fetch(`${to.url}${path}`, { method, headers, body, signal });
  return { status: response.status, chunks: response.body ?? NO_CHUNKS };
}

const NO_CHUNKS: AsyncIterable<Uint8Array> = {
  async *[Symbol.asyncIterator]() {},
};

async function readText(chunks: AsyncIterable<Uint8Array>, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of chunks) {
    text += decoder.decode(chunk, { stream: true });
    bytes += chunk.byteLength;
    // Leaving the loop ends the transfer.
    if (bytes >= bytesMax) break;
  }
  return text + decoder.decode();
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** What an error answer says, in one line, and what can be done about it. */
export function answerMessage(answer: Answer): string {
  const hint = answer.status === 401 ? ' (lumadb login, --token or LUMADB_TOKEN)' : '';
  return `${answerReason(answer)}${hint}`;
}

/** What an error answer says, in one line. */
export function answerReason({ status, text, body }: Answer): string {
  const message = (body as { error?: { message?: unknown } } | null)?.error?.message;
  if (typeof message === 'string') return `the server answered ${status}: ${message}`;
  // A page for people is some other server's, or that of a proxy before ours.
  if (/^\s*</.test(text))
    return `the server answered ${status} with a web page. Is a LumaDB server at this host and port?`;
  const line = text.trim().slice(0, ANSWER_TEXT_MAX).replaceAll(/\s+/g, ' ');
  return `the server answered ${status}${line === '' ? '' : `: ${line}`}`;
}
