/** The stores that locations of backups stand for, reached as the configuration says. */
import type { BackupPlace } from '../../backup/manifest/chain.js';
import { parentOf, parseLocation } from '../../backup/store/locations.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import { openObjectStore } from '../../backup/store/open-store.js';
import { RateLimitedStore } from '../../backup/store/rate-limited.js';
import { systemClock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { RateLimit } from '../../compaction/rate-limit.js';
import type { Config } from '../../config/schema.js';
import { s3Options } from '../s3-options.js';

export interface OpenedPlace extends BackupPlace {
  close(): Promise<void>;
}

/** A folder, such as one of backups. `bytesPerSecond`: of all that is stored and read. Throws DbError VALIDATION and CONFIG. */
export function openFolder(location: string, config: Config, bytesPerSecond?: number): ObjectStore {
  const store = openObjectStore(location, { s3: s3Options(config) });
  if (bytesPerSecond === undefined) return store;
  return new RateLimitedStore(store, new RateLimit(bytesPerSecond, systemClock));
}

/** A backup, with the folder that it is in. Throws likewise. */
export function openBackup(location: string, config: Config, bytesPerSecond?: number): OpenedPlace {
  const above = parentOf(location);
  if (above === undefined) {
    const place = parseLocation(location);
    if (place.kind === 'local')
      throw new DbError('VALIDATION', `${location} cannot be a backup: name a folder in it`, { location });
    const store = openFolder(location, config, bytesPerSecond);
    return { name: place.bucket, store, siblings: undefined, close: () => store.close() };
  }
  const siblings = openFolder(above.location, config, bytesPerSecond);
  const { name } = above;
  return { name, store: siblings.below(name), siblings, close: () => siblings.close() };
}
