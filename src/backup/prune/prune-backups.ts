/**
 * Removes backups that retention.ts lets go, one after the other. What has been removed by halves is no backup any more and is
 * removed by the next run: a mark is left first, then backup.json goes, then the objects, then the mark.
 */
import { isOwnObject } from '../create/destination.js';
import { PARTIAL_BACKUP } from '../create/partial-backup.js';
import type { FoundBackup } from '../manifest/backup-folder.js';
import { BACKUP_MANIFEST } from '../manifest/backup-manifest.js';
import type { ObjectStore } from '../store/object-store.js';
import { INTERRUPTED_MS_MAX, type Verdict } from './retention.js';

export interface RemovedBackup extends Verdict {
  readonly objects: number;
  readonly bytes: number;
}

export interface PruneOptions {
  readonly folder: ObjectStore;
  readonly found: readonly FoundBackup[];
  /** In the order in which they may be removed. */
  readonly verdicts: readonly Verdict[];
  readonly nowMs: number;
  /** Removes nothing, and says what would be. */
  readonly isDry: boolean;
  readonly signal?: AbortSignal;
}

/** Throws what the store throws; what was removed until then is gone. */
export async function pruneBackups(options: PruneOptions): Promise<RemovedBackup[]> {
  const { folder, found, verdicts, isDry, signal, nowMs } = options;
  const interrupted = new Set(found.filter(({ state }) => state === 'interrupted').map(({ name }) => name));
  const removed: RemovedBackup[] = [];
  for (const verdict of verdicts) {
    if (verdict.isKept) continue;
    signal?.throwIfAborted();
    const store = folder.below(verdict.name);
    removed.push({ ...verdict, ...(await remove(store, !interrupted.has(verdict.name), isDry)) });
  }
  // Halves of objects that runs which were killed have left, in whatever backup: of a day ago nobody works on them.
  if (!isDry) await folder.sweepUnfinished(nowMs - INTERRUPTED_MS_MAX);
  return removed;
}

async function remove(
  store: ObjectStore,
  isFinished: boolean,
  isDry: boolean,
): Promise<{ readonly objects: number; readonly bytes: number }> {
  const names: string[] = [];
  let bytes = 0;
  for await (const { name, sizeBytes } of store.list('')) {
    // Whatever else somebody keeps there is not ours to remove.
    if (!isOwnObject(name) && name !== PARTIAL_BACKUP && name !== BACKUP_MANIFEST) continue;
    names.push(name);
    bytes += sizeBytes;
  }
  if (isDry) return { objects: names.length, bytes };
  if (isFinished) {
    await store.put(PARTIAL_BACKUP, mark());
    await store.delete(BACKUP_MANIFEST);
  }
  for (const name of names) if (isOwnObject(name)) await store.delete(name);
  await store.delete(PARTIAL_BACKUP);
  return { objects: names.length, bytes };
}

/** No record of a run: whoever makes a backup there begins anew. */
async function* mark(): AsyncGenerator<Uint8Array> {
  yield Buffer.from('{"removed":true}');
}
