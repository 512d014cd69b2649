/**
 * Spreads a restored database over another number of shards before it is one: a reshard without a meta.json, whose place the
 * journal of the restore takes. Main thread of a command.
 */
import { join } from 'node:path';
import type { Clock } from '../../base/clock.js';
import type { Catalog } from '../../catalog/catalog.js';
import type { OfflineTuning } from '../../tools/offline-shard.js';
import { reshard } from '../../tools/reshard.js';
import { readJournal } from '../../tools/reshard-journal.js';
import type { Vfs } from '../../vfs/vfs.js';
import { removeTree } from '../data-directory.js';
import { loadExtractors } from '../index-extractors.js';
import { knownCollections } from '../maintenance.js';

export interface SpreadRestoredOptions {
  readonly vfs: Vfs;
  readonly target: string;
  readonly from: number;
  readonly to: number;
  readonly catalog: Catalog;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  /** The new shards are in their places, and will be after a crash. */
  readonly onSpread: () => void;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Throws what a reshard throws; the same call goes on where it was interrupted. */
export async function spreadRestored(options: SpreadRestoredOptions): Promise<void> {
  const { target, catalog, onSpread, onProgress } = options;
  await loadExtractors(catalog.indexes(), { parser: true });
  reshard({
    ...options,
    dataDirectory: target,
    collections: knownCollections(catalog),
    layout: { setShardCount: onSpread, removeTree },
    deleteOld: true,
    onProgress: onProgress ?? (() => {}),
  });
}

/** What a run has left that ended between the last steps of its reshard. */
export async function tidySpread(options: SpreadRestoredOptions): Promise<void> {
  const { vfs, target } = options;
  if (readJournal(vfs, target) !== undefined) await spreadRestored(options);
  for (const name of vfs.list(target)) if (/^reshard-old-\w+$/.test(name)) removeTree(join(target, name));
}
