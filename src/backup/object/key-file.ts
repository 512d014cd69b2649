/** The key file of encrypted backups: 32 bytes, or their 64 hexadecimal digits, as `openssl rand -hex 32` makes them. */
import { DbError } from '../../base/errors.js';
import { KEY_BYTES } from './object-format.js';

/** Throws BACKUP_KEY, never with what is in the file. */
export function parseKey(bytes: Uint8Array, file: string): Buffer {
  if (bytes.length === KEY_BYTES) return Buffer.from(bytes);
  const text = Buffer.from(bytes).toString('latin1').trim();
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, 'hex');
  throw new DbError(
    'BACKUP_KEY',
    `${file} is no key: ${KEY_BYTES} bytes or ${KEY_BYTES * 2} hexadecimal digits are expected (openssl rand -hex 32)`,
    { file },
  );
}
