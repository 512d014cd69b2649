/** What the bodies of POST /admin/compaction, /admin/gc, /admin/indexes/rebuild, /admin/wal/archive and /cluster/transfer-leadership say. Pure; faults are DbErrors. */
import { DbError } from '../base/errors.js';
import { ISO_TIME_FORM, parseIsoTime } from '../base/iso-time.js';
import { LEVEL_RANGE_SYNTAX, type LevelRange, parseLevelRange } from '../base/level-range.js';
import { INDEX_NAME_LENGTH_MAX } from '../base/limits.js';
import type {
  CompactRequest,
  GcRequest,
  NotedBackup,
  RebuildRequest,
  WalArchiveRequest,
} from './admin-call.js';
import { asObject, readFlag, refuseUnknown } from './control-body.js';
import { collectionNameFault } from './path.js';

/** A hundred years: longer is a mistake. */
export const OLDER_THAN_MS_MAX = 100 * 366 * 24 * 3_600_000;
export const DESTINATION_LENGTH_MAX = 4096;
export const NODE_LENGTH_MAX = 253;
export const LEASE_SECONDS_DEFAULT = 60;
export const LEASE_SECONDS_MIN = 1;
export const LEASE_SECONDS_MAX = 3600;

export function readCompact(body: unknown): CompactRequest {
  const object = asObject(body);
  refuseUnknown(object, ['collection', 'all', 'level', 'emergency', 'delete_tombstones']);
  const collection = object.collection === undefined ? undefined : readCollection(object);
  const isAll = readFlag(object, 'all');
  const isEmergency = readFlag(object, 'emergency');
  if (collection === undefined ? !isAll && !isEmergency : isAll) {
    const message = 'name one collection, or say "all": true (an emergency compaction takes all by itself)';
    throw new DbError('VALIDATION', message, { field: 'collection' });
  }
  if (isEmergency && object.level !== undefined && object.level !== 'all') {
    const message = 'an emergency compaction takes all levels: leave out level';
    throw new DbError('VALIDATION', message, { field: 'level' });
  }
  const deleteTombstones = readFlag(object, 'delete_tombstones');
  return { collection, levels: readLevels(object), isEmergency, deleteTombstones };
}

export function readGc(body: unknown): GcRequest {
  const object = asObject(body);
  refuseUnknown(object, ['collection', 'force']);
  return { collection: readCollection(object), isForced: readFlag(object, 'force') };
}

export function readRebuild(body: unknown): RebuildRequest {
  const object = asObject(body);
  refuseUnknown(object, ['collection', 'index']);
  const { collection, index } = object;
  if ((collection === undefined) === (index === undefined)) {
    const message = 'name a collection ("all" for every one) or an index';
    throw new DbError('VALIDATION', message, { field: 'collection' });
  }
  if (index === undefined) return { collection: readCollection(object) };
  if (typeof index !== 'string' || index === '' || index.length > INDEX_NAME_LENGTH_MAX) {
    throw new DbError('VALIDATION', 'index must be the name of an index', { field: 'index' });
  }
  return { index };
}

/** Of `lumadb backup` and `lumadb backup verify`. */
export function readNotedBackup(body: unknown): NotedBackup {
  const object = asObject(body);
  refuseUnknown(object, ['job', 'started_at', 'seconds', 'outcome', 'backup', 'message']);
  const { job, started_at, seconds, outcome, backup = null, message = null } = object;
  const refuse = (field: string, allowed: string): never => {
    throw new DbError('VALIDATION', `${field} must be ${allowed}`, { field });
  };
  if (job !== 'full' && job !== 'incremental' && job !== 'verify' && job !== 'restore_drill')
    return refuse('job', 'full, incremental, verify or restore_drill');
  if (typeof started_at !== 'string' || parseIsoTime(started_at) === null)
    return refuse('started_at', ISO_TIME_FORM);
  if (typeof seconds !== 'number' || !(seconds >= 0)) return refuse('seconds', 'a number, 0 or more');
  if (outcome !== 'ok' && outcome !== 'failed') return refuse('outcome', 'ok or failed');
  if (backup !== null && typeof backup !== 'string') return refuse('backup', 'a name');
  if (message !== null && typeof message !== 'string') return refuse('message', 'a text');
  const startedMs = parseIsoTime(started_at) ?? 0;
  return { job, started_at: new Date(startedMs).toISOString(), seconds, outcome, backup, message };
}

/** How long a checkpoint is kept without a renewal, ms. */
export function readLease(body: unknown): number {
  const object = body === undefined ? {} : asObject(body);
  refuseUnknown(object, ['lease_seconds']);
  const { lease_seconds: seconds = LEASE_SECONDS_DEFAULT } = object;
  if (typeof seconds !== 'number' || !(seconds >= LEASE_SECONDS_MIN && seconds <= LEASE_SECONDS_MAX)) {
    const message = `lease_seconds must be a number from ${LEASE_SECONDS_MIN} to ${LEASE_SECONDS_MAX}`;
    throw new DbError('VALIDATION', message, { field: 'lease_seconds' });
  }
  return seconds * 1000;
}

export function readWalArchive(body: unknown): WalArchiveRequest {
  const object = asObject(body);
  refuseUnknown(object, ['older_than_ms', 'destination']);
  const { older_than_ms: olderThanMs, destination } = object;
  if (typeof olderThanMs !== 'number' || !(olderThanMs >= 0 && olderThanMs <= OLDER_THAN_MS_MAX)) {
    const message = `older_than_ms must be a number from 0 to ${OLDER_THAN_MS_MAX}`;
    throw new DbError('VALIDATION', message, { field: 'older_than_ms' });
  }
  if (typeof destination !== 'string' || destination === '' || destination.length > DESTINATION_LENGTH_MAX) {
    const message = `destination must be the absolute path of a directory, up to ${DESTINATION_LENGTH_MAX} characters`;
    throw new DbError('VALIDATION', message, { field: 'destination' });
  }
  return { olderThanMs, destination };
}

/** The node that POST /cluster/transfer-leadership names. */
export function readTransfer(body: unknown): string {
  const object = asObject(body);
  refuseUnknown(object, ['target_node']);
  const { target_node: target } = object;
  if (typeof target !== 'string' || target === '' || target.length > NODE_LENGTH_MAX)
    throw new DbError('VALIDATION', 'target_node must be the name of a node', { field: 'target_node' });
  return target;
}

function readCollection({ collection }: Record<string, unknown>): string {
  if (typeof collection !== 'string') {
    throw new DbError('VALIDATION', 'collection must be the name of a collection', { field: 'collection' });
  }
  const fault = collectionNameFault(collection);
  if (fault !== undefined) throw new DbError('VALIDATION', fault.message, { field: 'collection' });
  return collection;
}

function readLevels({ level = 'all' }: Record<string, unknown>): LevelRange {
  const levels = typeof level === 'string' ? parseLevelRange(level) : undefined;
  if (levels !== undefined) return levels;
  throw new DbError('VALIDATION', `level must be ${LEVEL_RANGE_SYNTAX}`, { field: 'level' });
}
