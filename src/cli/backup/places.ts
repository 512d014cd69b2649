/** Where backups are, as people name it: locations, and the keys of what lies there. */
import { readFileSync } from 'node:fs';
import type { BackupPlace } from '../../backup/manifest/chain.js';
import { parseKey } from '../../backup/object/key-file.js';
import { parentOf, parseLocation } from '../../backup/store/locations.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import { openObjectStore } from '../../backup/store/open-store.js';
import { RateLimitedStore } from '../../backup/store/rate-limited.js';
import { systemClock } from '../../base/clock.js';
import { RateLimit } from '../../compaction/rate-limit.js';
import type { Config } from '../../config/schema.js';
import { s3Options } from '../../runtime/s3-options.js';
import { CliError } from '../output.js';

export interface OpenedPlace extends BackupPlace {
  close(): Promise<void>;
}

/** A folder, such as one of backups. `bytesPerSecond`: of all that is stored and read. */
export function openFolder(location: string, config: Config, bytesPerSecond?: number): ObjectStore {
  const store = openObjectStore(location, { s3: s3Options(config) });
  if (bytesPerSecond === undefined) return store;
  return new RateLimitedStore(store, new RateLimit(bytesPerSecond, systemClock));
}

/** A backup, with the folder that it is in. */
export function openBackup(location: string, config: Config, bytesPerSecond?: number): OpenedPlace {
  const above = parentOf(location);
  if (above === undefined) {
    const store = openFolder(location, config, bytesPerSecond);
    const place = parseLocation(location);
    if (place.kind === 'local') throw new CliError(`${location} cannot be a backup: name a folder in it`);
    return { name: place.bucket, store, siblings: undefined, close: () => store.close() };
  }
  const siblings = openFolder(above.location, config, bytesPerSecond);
  const { name } = above;
  return { name, store: siblings.below(name), siblings, close: () => siblings.close() };
}

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
