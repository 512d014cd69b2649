/** One HTTPS request. Node's fetch takes no authorities of its own, so this is node:https. */
import { readFileSync } from 'node:fs';
import { request } from 'node:https';
import type { Address, TlsTarget } from './connection.js';
import { CliError } from './output.js';

export interface HttpsRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly signal: AbortSignal;
}

/** Rejects with the error of the connection, or that of the signal. */
export function httpsRequest(
  { host, port }: Pick<Address, 'host' | 'port'>,
  { certificates, isOwn }: TlsTarget,
  { method, path, headers, body, signal }: HttpsRequest,
): Promise<{ readonly status: number; readonly chunks: AsyncIterable<Uint8Array> }> {
  const options = {
    host: host.replace(/^\[(.*)\]$/, '$1'),
    port,
    method,
    path,
    headers: body === undefined ? headers : { ...headers, 'content-length': String(Buffer.byteLength(body)) },
    ca: certificates === undefined ? undefined : readAuthorities(certificates),
    ...(isOwn && { checkServerIdentity: () => undefined }),
    signal,
    agent: false,
  };
  return new Promise((resolve, reject) => {
    const outgoing = request(options, (incoming) =>
      resolve({ status: incoming.statusCode ?? 0, chunks: incoming }),
    );
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function readAuthorities(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new CliError(`cannot read the certificates in ${file}: ${(error as Error).message}`);
  }
}
