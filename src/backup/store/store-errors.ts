/** What all kinds of stores report in the same words. Each error names the object and the store. */
import { DbError } from '../../base/errors.js';
import { quoted } from './names.js';

export function notFound(name: string, store: string): DbError {
  return new DbError('NOT_FOUND', `there is no ${quoted(name)} in ${store}`, { object: name, store });
}

export function endsEarly(name: string, store: string, position: number, sizeBytes: number): DbError {
  return new DbError('BACKUP_STORE', `${quoted(name)} in ${store} ends at byte ${position} of ${sizeBytes}`, {
    object: name,
    store,
    position,
    sizeBytes,
    reason: 'ends early',
  });
}

export function endsBefore(name: string, store: string, offset: number, sizeBytes: number): DbError {
  return new DbError(
    'BACKUP_STORE',
    `${quoted(name)} in ${store} has ${sizeBytes} bytes: there is nothing to read from byte ${offset} on`,
    { object: name, store, offset, sizeBytes, reason: 'ends early' },
  );
}

export function changedMeanwhile(name: string, store: string): DbError {
  return new DbError('BACKUP_STORE', `${quoted(name)} in ${store} was changed while it was read`, {
    object: name,
    store,
    reason: 'changed',
  });
}

export function arrivedDamaged(name: string, store: string, expected: string, got: string): DbError {
  return new DbError(
    'BACKUP_STORE',
    `${quoted(name)} in ${store} arrived damaged: its checksum is ${got} and should be ${expected}`,
    { object: name, store, expected, got, reason: 'damaged' },
  );
}

export function tooLarge(name: string, store: string, bytesMax: number): DbError {
  return new DbError('PAYLOAD_TOO_LARGE', `${quoted(name)} in ${store} has more than ${bytesMax} bytes`, {
    object: name,
    store,
    bytesMax,
  });
}
