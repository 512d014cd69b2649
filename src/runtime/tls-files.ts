/** The certificate of the server: which files, and whether they can be used. Main thread only. */
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { DbError } from '../base/errors.js';
import type { Config } from '../config/schema.js';
import type { TlsFiles } from '../front/http-server.js';

/** Undefined where the server speaks plain HTTP. */
export function tlsFiles({ security }: Config): TlsFiles | undefined {
  const { tls_cert: cert, tls_key: key } = security;
  return cert === '' ? undefined : { cert, key };
}

/** Throws DbError CONFIG that names the file which cannot be used: uWS would only say that there is no App. */
export function requireUsableTls(config: Config): void {
  const files = tlsFiles(config);
  if (files === undefined) return;
  const [cert, key] = [files.cert, files.key].map(read);
  try {
    createSecureContext({ cert, key });
  } catch (error) {
    const message = `the certificate ${files.cert} and the key ${files.key} cannot be used: ${(error as Error).message}`;
    throw new DbError('CONFIG', message, { key: 'security.tls_cert' });
  }
}

function read(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new DbError('CONFIG', `cannot read ${file}: ${(error as Error).message}`, { file });
  }
}
