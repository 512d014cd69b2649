/** The key of encrypted backups, out of the file that holds it. */
import { readFileSync } from 'node:fs';
import { parseKey } from '../../backup/object/key-file.js';
import { CliError } from '../output.js';

const KEY_FILE_BYTES_MAX = 4096;

/** Undefined without a file. Throws CliError and DbError('BACKUP_KEY'), never with what is in it. */
export function readKey(file: string | undefined): Uint8Array | undefined {
  if (file === undefined || file === '') return undefined;
  let bytes: Uint8Array;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new CliError(`the key file ${file} cannot be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return parseKey(bytes.subarray(0, KEY_FILE_BYTES_MAX), file);
}
