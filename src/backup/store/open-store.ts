/** Which kind of store a location is. */
import { type Clock, systemClock } from '../../base/clock.js';
import { LocalStore } from './local-store.js';
import { parseLocation } from './locations.js';
import type { ObjectStore } from './object-store.js';
import type { S3Options } from './s3-options.js';
import { S3Session } from './s3-session.js';
import { S3Store } from './s3-store.js';

export interface ObjectStoreOptions {
  /** Of no interest for other locations than s3://. */
  readonly s3?: S3Options;
  readonly clock?: Clock;
}

/**
 * `s3://bucket/prefix`, a path or `file://` URL. Touches nothing yet: the first call finds out whether the place is there.
 * Throws DbError('VALIDATION') for a location that is none, DbError('CONFIG') for options that cannot work.
 */
export function openObjectStore(location: string, options: ObjectStoreOptions): ObjectStore {
  const place = parseLocation(location);
  if (place.kind === 'local') return new LocalStore(place.path);
  const session = new S3Session(place.bucket, options.s3 ?? {}, process.env);
  return new S3Store(session, place.prefix === '' ? '' : `${place.prefix}/`, options.clock ?? systemClock);
}
