/** The opening handshake (RFC 6455, section 4): the request to send, and whether the answer accepts it. */
import { createHash, randomBytes } from 'node:crypto';
import { connectionError, errorFromAnswer, invalidRequest, type LumaDbError } from './error.js';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** Longest answer head that is read. */
export const HANDSHAKE_BYTES_MAX = 16 * 1024;
const HEAD_END = '\r\n\r\n';
const DEFAULT_PATH = '/ws';

export interface WebSocketTarget {
  readonly host: string;
  readonly port: number;
  readonly isTls: boolean;
  readonly path: string;
  /** For the Host header. */
  readonly authority: string;
}

export function parseWebSocketUrl(text: string): WebSocketTarget {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'ws:' && url.protocol !== 'wss:')) {
    throw invalidRequest(`the url must be a ws:// or wss:// address, not ${JSON.stringify(text)}`);
  }
  const isTls = url.protocol === 'wss:';
  return {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (isTls ? 443 : 80) : Number(url.port),
    isTls,
    path: (url.pathname === '/' ? DEFAULT_PATH : url.pathname) + url.search,
    authority: url.host,
  };
}

export function createHandshakeKey(): string {
  return randomBytes(16).toString('base64');
}

/** What the server must answer to `key` in Sec-WebSocket-Accept. */
export function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

export function handshakeRequest(target: WebSocketTarget, key: string, token: string | undefined): string {
  if (token !== undefined && !/^[\x21-\x7e]+$/.test(token)) {
    throw invalidRequest('the token holds characters that a header cannot carry');
  }
  const authorization = token === undefined ? '' : `Authorization: Bearer ${token}\r\n`;
  return (
    `GET ${target.path} HTTP/1.1\r\nHost: ${target.authority}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
    `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n${authorization}\r\n`
  );
}

export type HandshakeAnswer =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'accepted'; readonly headBytes: number }
  | { readonly kind: 'refused'; readonly error: LumaDbError };

/** Judges the bytes received so far. */
export function readHandshakeAnswer(received: Buffer, key: string): HandshakeAnswer {
  const headEnd = received.indexOf(HEAD_END, 0, 'latin1');
  if (headEnd < 0) {
    if (received.length < HANDSHAKE_BYTES_MAX) return { kind: 'incomplete' };
    return refused(`the answer to the handshake is longer than ${HANDSHAKE_BYTES_MAX} bytes`);
  }
  const headBytes = headEnd + HEAD_END.length;
  const lines = received.toString('latin1', 0, headEnd).split('\r\n');
  const status = /^HTTP\/1\.1 (\d{3})(?: |$)/.exec(lines[0])?.[1];
  if (status === undefined) return refused('the server does not speak HTTP/1.1');
  if (status !== '101') {
    const body = received.toString('utf8', headBytes);
    return { kind: 'refused', error: errorFromAnswer(Number(status), body) };
  }
  const headers = parseHeaders(lines.slice(1));
  if (headers.get('upgrade')?.toLowerCase() !== 'websocket') return refused('no upgrade to websocket');
  const connection = headers.get('connection')?.toLowerCase().split(',') ?? [];
  if (!connection.some((token) => token.trim() === 'upgrade')) return refused('no Connection: Upgrade');
  if (headers.get('sec-websocket-accept') !== acceptOf(key)) return refused('a wrong Sec-WebSocket-Accept');
  if (headers.has('sec-websocket-extensions')) return refused('an extension that was not asked for');
  if (headers.has('sec-websocket-protocol')) return refused('a subprotocol that was not asked for');
  return { kind: 'accepted', headBytes };
}

function parseHeaders(lines: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = headers.get(name);
    if (colon > 0) headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return headers;
}

function refused(reason: string): HandshakeAnswer {
  return { kind: 'refused', error: connectionError(`the WebSocket handshake failed: ${reason}`) };
}
