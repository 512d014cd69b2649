/** Passes the raw bytes of a file on while they are compared with what a backup says of them. Any thread. */
import { createHash } from 'node:crypto';
import type { DbError } from '../../base/errors.js';
import type { BackedUpFile } from '../manifest/backup-manifest.js';

/** Never more bytes than the file has. Throws `differs()`, behind the last bytes or instead of what is too much, and what `raw` throws. */
export async function* checkedBytes(
  raw: AsyncIterable<Uint8Array>,
  { size_bytes, sha256 }: Pick<BackedUpFile, 'size_bytes' | 'sha256'>,
  differs: () => DbError,
): AsyncGenerator<Uint8Array> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of raw) {
    bytes += chunk.length;
    if (bytes > size_bytes) throw differs();
    hash.update(chunk);
    yield chunk;
  }
  if (bytes !== size_bytes || hash.digest('hex') !== sha256) throw differs();
}
