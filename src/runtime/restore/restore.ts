/**
 * `lumadb restore`: a data directory from a backup, its parents and a WAL stream. The steps, each of which may be interrupted and
 * is gone on with by the same command (restore-journal.ts):
 *
 *   1. plan: chain, stream, seqno, catalog; nothing is changed
 *   2. restore.json in the target, files and logs of all shards, the files beside them
 *   3. if another number of shards is wanted: they are spread
 *   4. every shard is opened once and everything goes into tables
 *   5. meta.json, which makes a database of it, then restore.json goes
 *
 * Main thread of a command.
 */
import type { Decoder } from '../../backup/decode/decode-job.js';
import type { BackupPlace } from '../../backup/manifest/chain.js';
import {
  RESTORE_JOURNAL,
  type RestoreJournal,
  writeRestoreJournal,
} from '../../backup/restore/restore-journal.js';
import type { RestorePoint } from '../../backup/restore/restore-plan.js';
import { type RestoredShard, restoreShards } from '../../backup/restore/restore-shards.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import type { Clock } from '../../base/clock.js';
import { Catalog } from '../../catalog/catalog.js';
import type { OfflineTuning } from '../../tools/offline-shard.js';
import type { Vfs } from '../../vfs/vfs.js';
import { removeTree, replacePrivateFile, writeMeta } from '../data-directory.js';
import { raiseDatabaseTime } from '../database-time-keeper.js';
import { SECURITY_FILE } from '../security-files.js';
import { openRestored, type RestoredCollection } from './open-restored.js';
import { type PreparedRestore, prepareRestore } from './restore-preview.js';
import { openTarget, type RestoreTarget } from './restore-target.js';
import { restoredCatalog } from './restored-catalog.js';
import { spreadRestored, tidySpread } from './spread-restored.js';

export type RestoreStep = 'copying' | 'spreading' | 'opening';

export interface RestoreOptions {
  readonly vfs: Vfs;
  readonly source: BackupPlace;
  /** Where the log was streamed to; undefined: nowhere that is known. */
  readonly walSource: ObjectStore | undefined;
  readonly target: string;
  readonly point: RestorePoint;
  /** Names; undefined: all. */
  readonly collections: readonly string[] | undefined;
  /** How many there shall be; absent: as many as the backup has. */
  readonly shards?: number;
  readonly key?: Uint8Array;
  readonly isForced: boolean;
  readonly decoder: Decoder;
  /** Tables at a time. */
  readonly parallel: number;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Each step counts for itself. */
  readonly onProgress?: (step: RestoreStep, done: number, total: number) => void;
}

export interface RestoreVerdict {
  readonly backup: string;
  readonly seqno: number;
  /** Of the last operation that came from the log; null when none did. */
  readonly lastWrittenAt: string | null;
  /** As in the backup, whatever number of shards there is now. */
  readonly shards: readonly RestoredShard[];
  readonly shardCount: number;
  readonly collections: readonly RestoredCollection[];
  readonly documents: number;
  /** By this run. */
  readonly bytesCopied: number;
  readonly seconds: number;
  /** Why it went no further when all there is was asked for; null when nothing is missing. */
  readonly shortfall: string | null;
  /** Where what was in the target is now. */
  readonly replaced: string | null;
  /** True when it went on with what an interrupted run had begun. */
  readonly resumed: boolean;
  readonly instanceId: string;
}

/** Throws DbError; what was restored so far stays for the same call to go on with, and no server opens it. */
export async function restore(options: RestoreOptions): Promise<RestoreVerdict> {
  const startMs = options.clock.monotonicMs();
  const prepared = await prepareRestore(options);
  const target = openTarget({ ...options, path: options.target, wanted: prepared.identity });
  try {
    const run = new RestoreRun(options, prepared, target);
    return { ...(await run.finish()), seconds: (options.clock.monotonicMs() - startMs) / 1000 };
  } finally {
    target.release();
  }
}

class RestoreRun {
  private journal: RestoreJournal;
  private bytesCopied = 0;

  constructor(
    private readonly options: RestoreOptions,
    private readonly prepared: PreparedRestore,
    private readonly target: RestoreTarget,
  ) {
    this.journal = target.found ?? { ...prepared.identity, state: 'copying', restored: null };
  }

  async finish(): Promise<Omit<RestoreVerdict, 'seconds'>> {
    const { vfs, clock, signal } = this.options;
    const { plan, identity } = this.prepared;
    const { path, replaced, found } = this.target;
    if (this.journal.state === 'copying') await this.copy();
    signal?.throwIfAborted();
    await this.spread();
    const opened = await openRestored({
      ...this.options,
      target: path,
      shards: identity.shards,
      catalog: this.catalog(),
      onProgress: this.progress('opening'),
    });
    const shards = this.journal.restored ?? [];
    const { manifest } = plan.chain[0];
    const writtenAt = shards.map(({ databaseSeconds }) => databaseSeconds);
    raiseDatabaseTime(vfs, path, Math.max(manifest.database_seconds, ...writtenAt));
    const instanceId = writeMeta(path, identity.shards, clock);
    vfs.unlink(`${path}/${RESTORE_JOURNAL}`);
    vfs.syncDirectory(path);
    const lastMs = Math.max(0, ...shards.map(({ lastWallClockMs }) => lastWallClockMs));
    return {
      backup: manifest.name,
      seqno: plan.seqno,
      lastWrittenAt: lastMs === 0 ? null : new Date(lastMs).toISOString(),
      shards,
      shardCount: identity.shards,
      collections: opened.collections,
      documents: opened.collections.reduce((sum, { documents }) => sum + documents, 0),
      bytesCopied: this.bytesCopied,
      shortfall: this.options.point.kind === 'latest' ? plan.shortfall : null,
      replaced,
      resumed: found !== undefined,
      instanceId,
    };
  }

  private async copy(): Promise<void> {
    const { options, prepared } = this;
    const { vfs } = options;
    const { path } = this.target;
    const { plan, identity } = prepared;
    this.note({ ...this.journal, state: 'copying' });
    const { bytes, numbers } = await restoredCatalog(plan, options);
    const restored = await restoreShards({
      ...options,
      target: path,
      plan,
      segmentBytes: options.tuning.walSegmentBytes,
      removeTree,
      ...(numbers && {
        isWanted: ({ collections }) => collections.some(({ collection }) => numbers.has(collection)),
      }),
      onProgress: (done, total) => {
        this.bytesCopied = done;
        this.progress('copying')?.(done, total);
      },
    });
    if (bytes.length > 0) vfs.writeFileAtomic(`${path}/catalog.json`, bytes);
    keepPrivate(vfs, path);
    const isSpread = identity.shards === plan.chain[0].manifest.shards;
    this.note({ ...this.journal, restored, state: isSpread ? 'opening' : 'spreading' });
  }

  private async spread(): Promise<void> {
    const { options, target } = this;
    const from = this.prepared.plan.chain[0].manifest.shards;
    const to = this.prepared.identity.shards;
    if (from === to) return;
    const spreading = {
      ...options,
      target: target.path,
      from,
      to,
      catalog: this.catalog(),
      onSpread: () => this.note({ ...this.journal, state: 'opening' }),
      onProgress: this.progress('spreading'),
    };
    if (this.journal.state === 'spreading') await spreadRestored(spreading);
    await tidySpread(spreading);
  }

  private catalog(): Catalog {
    const { vfs, clock } = this.options;
    const file = `${this.target.path}/catalog.json`;
    const store = {
      read: () => (vfs.exists(file) ? vfs.readFile(file) : undefined),
      write: (bytes: Uint8Array) => vfs.writeFileAtomic(file, bytes),
    };
    return new Catalog(store, clock);
  }

  private note(journal: RestoreJournal): void {
    writeRestoreJournal(this.options.vfs, this.target.path, journal);
    this.journal = journal;
  }

  private progress(step: RestoreStep): ((done: number, total: number) => void) | undefined {
    const { onProgress } = this.options;
    return onProgress && ((done, total) => onProgress(step, done, total));
  }
}

/** Files of a vfs can be read by the group of their owner; the hashes of passwords are for nobody else. */
function keepPrivate(vfs: Vfs, path: string): void {
  const file = `${path}/${SECURITY_FILE}`;
  if (vfs.exists(file)) replacePrivateFile(path, SECURITY_FILE, Buffer.from(vfs.readFile(file)).toString());
}
