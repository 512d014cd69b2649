/**
 * `lumadb restore`: a data directory from a backup, its parents and a WAL stream. The steps, each of which may be interrupted and
 * is gone on with by the same command:
 *
 *   1. plan: chain, stream, seqno, catalog; nothing is changed
 *   2. restore.json in the target, files and logs of all shards, the files beside them
 *   3. restore.json says so, then every shard is opened once and everything goes into tables
 *   4. meta.json, which makes a database of it, then restore.json goes
 *
 * Main thread of a command.
 */
import { type BackupPlace, type Chain, readChain } from '../../backup/manifest/chain.js';
import { decodeObject } from '../../backup/object/object-reader.js';
import {
  RESTORE_JOURNAL,
  type RestoreJournal,
  writeRestoreJournal,
} from '../../backup/restore/restore-journal.js';
import { planRestore, type RestorePlan, type RestorePoint } from '../../backup/restore/restore-plan.js';
import { type RestoredShard, restoreShards } from '../../backup/restore/restore-shards.js';
import { type StreamSurvey, surveyStream } from '../../backup/restore/stream-survey.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { Catalog } from '../../catalog/catalog.js';
import type { OfflineTuning } from '../../tools/offline-shard.js';
import type { Vfs } from '../../vfs/vfs.js';
import { selectCollections } from '../backup/select-collections.js';
import { catalogStore } from '../catalog-store.js';
import { removeTree, replacePrivateFile, writeMeta } from '../data-directory.js';
import { SECURITY_FILE } from '../security-files.js';
import { openRestored, type RestoredCollection } from './open-restored.js';
import { openTarget } from './restore-target.js';

export interface RestoreOptions {
  readonly vfs: Vfs;
  readonly source: BackupPlace;
  /** Where the log was streamed to; undefined: nowhere that is known. */
  readonly walSource: ObjectStore | undefined;
  readonly target: string;
  readonly point: RestorePoint;
  /** Names; undefined: all. */
  readonly collections: readonly string[] | undefined;
  readonly key?: Uint8Array;
  readonly isForced: boolean;
  readonly parallel: number;
  readonly tuning: OfflineTuning;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Each step counts for itself. */
  readonly onProgress?: (step: 'copying' | 'opening', done: number, total: number) => void;
}

export interface RestoreVerdict {
  readonly backup: string;
  readonly seqno: number;
  /** Of the last operation that came from the log; null when none did. */
  readonly lastWrittenAt: string | null;
  readonly shards: readonly RestoredShard[];
  readonly collections: readonly RestoredCollection[];
  readonly documents: number;
  readonly bytesCopied: number;
  readonly seconds: number;
  /** Where what was in the target is now. */
  readonly replaced: string | null;
  /** True when it went on with what an interrupted run had begun. */
  readonly resumed: boolean;
  readonly instanceId: string;
}

/** What a restore would do. */
export interface RestorePreview {
  readonly plan: RestorePlan;
  readonly bytes: number;
}

/** Throws what reading the chain, the stream and the plan throws; changes nothing. */
export async function previewRestore(options: RestoreOptions): Promise<RestorePreview> {
  const chain = await readChain(options.source, { ...(options.key && { key: options.key }) });
  const stream = await streamOf(options, chain);
  const plan = await planRestore({ ...options, chain, stream });
  return { plan, bytes: chain[0].manifest.files.reduce((sum, { size_bytes }) => sum + size_bytes, 0) };
}

/** Throws DbError; what was restored so far stays for the same call to go on with, and no server opens it. */
export async function restore(options: RestoreOptions): Promise<RestoreVerdict> {
  const { vfs, clock } = options;
  const startMs = clock.monotonicMs();
  const { plan } = await previewRestore(options);
  const { manifest, store } = plan.chain[0];
  const names = options.collections ?? manifest.collections ?? undefined;
  requireHeld(manifest.collections, options.collections, store.url);
  const wanted: Omit<RestoreJournal, 'state'> = {
    backup: manifest.id,
    digest: manifest.digest,
    source: store.url,
    seqno: plan.seqno,
    collections: names === undefined ? null : [...names],
  };
  const target = openTarget({ ...options, path: options.target, wanted });
  try {
    const { path } = target;
    let bytesCopied = 0;
    let shards: RestoredShard[] = [];
    if (target.found?.state !== 'opening') {
      requireSpace(vfs, path, plan);
      writeRestoreJournal(vfs, path, { ...wanted, state: 'copying' });
      const catalog = await catalogOf(plan, options);
      const selected = names === undefined ? undefined : selectCollections(names).select(catalog);
      const numbers = selected === undefined ? undefined : new Set(selected.numbers);
      shards = await restoreShards({
        ...options,
        target: path,
        plan,
        segmentBytes: options.tuning.walSegmentBytes,
        removeTree,
        ...(numbers && {
          isWanted: ({ collections }) => collections.some(({ collection }) => numbers.has(collection)),
        }),
        onProgress: (done, total) => {
          bytesCopied = done;
          options.onProgress?.('copying', done, total);
        },
      });
      const bytes = selected?.catalog ?? catalog;
      if (bytes.length > 0) vfs.writeFileAtomic(`${path}/catalog.json`, bytes);
      keepPrivate(vfs, path);
      writeRestoreJournal(vfs, path, { ...wanted, state: 'opening' });
    }
    const catalog = new Catalog(catalogStore(path), clock);
    const opened = await openRestored({
      ...options,
      target: path,
      shards: manifest.shards,
      catalog,
      onProgress: (done, total) => options.onProgress?.('opening', done, total),
    });
    const instanceId = writeMeta(path, manifest.shards, clock);
    vfs.unlink(`${path}/${RESTORE_JOURNAL}`);
    vfs.syncDirectory(path);
    const lastMs = Math.max(0, ...shards.map(({ lastWallClockMs }) => lastWallClockMs));
    return {
      backup: manifest.name,
      seqno: plan.seqno,
      lastWrittenAt: lastMs === 0 ? null : new Date(lastMs).toISOString(),
      shards,
      collections: opened.collections,
      documents: opened.collections.reduce((sum, { documents }) => sum + documents, 0),
      bytesCopied,
      seconds: (clock.monotonicMs() - startMs) / 1000,
      replaced: target.replaced,
      resumed: target.found !== undefined,
      instanceId,
    };
  } finally {
    target.release();
  }
}

async function streamOf({ walSource }: RestoreOptions, chain: Chain): Promise<StreamSurvey | undefined> {
  if (walSource === undefined) return undefined;
  const { instance_id, shards } = chain[0].manifest;
  return surveyStream(walSource, instance_id, shards);
}

/** catalog.json as it is to be; no bytes when there was none. */
async function catalogOf(
  { chain, stream, catalog }: RestorePlan,
  { key, signal }: RestoreOptions,
): Promise<Uint8Array> {
  const [{ manifest, store, name }] = chain;
  let from: { readonly store: ObjectStore; readonly object: string } | undefined;
  if (catalog !== undefined && stream !== undefined) from = { store: stream.store, object: catalog };
  else {
    const file = manifest.files.find(({ path }) => path === 'catalog.json');
    const holder = file?.in === undefined ? store : chain.find((member) => member.name === file.in)?.store;
    if (file !== undefined && holder === undefined) {
      throw new DbError(
        'CORRUPT_BACKUP',
        `${name} has its catalog in ${file.in ?? name}, which is not there`,
      );
    }
    if (file !== undefined && holder !== undefined) from = { store: holder, object: file.object };
  }
  if (from === undefined) return new Uint8Array(0);
  const parts: Uint8Array[] = [];
  const objectName = `${from.store.url}/${from.object}`;
  for await (const part of decodeObject(from.store.get(from.object, { signal }), {
    name: objectName,
    ...(key && { key }),
  }))
    parts.push(part);
  return Buffer.concat(parts);
}

/** Files of a vfs can be read by the group of their owner; the hashes of passwords are for nobody else. */
function keepPrivate(vfs: Vfs, path: string): void {
  const file = `${path}/${SECURITY_FILE}`;
  if (vfs.exists(file)) replacePrivateFile(path, SECURITY_FILE, Buffer.from(vfs.readFile(file)).toString());
}

function requireHeld(
  held: readonly string[] | null,
  asked: readonly string[] | undefined,
  url: string,
): void {
  if (held === null || asked === undefined) return;
  const missing = asked.find((name) => !held.includes(name));
  if (missing === undefined) return;
  throw new DbError(
    'NOT_FOUND',
    `${url} is a backup of ${held.join(', ')} only: it does not have ${JSON.stringify(missing)}`,
    { collection: missing },
  );
}

function requireSpace(vfs: Vfs, path: string, { chain }: RestorePlan): void {
  const needed = chain[0].manifest.files.reduce((sum, { size_bytes }) => sum + size_bytes, 0);
  const free = vfs.freeBytes(path);
  if (free >= needed) return;
  throw new DbError('DISK_FULL', `${path} has ${free} bytes free, and the backup needs at least ${needed}`, {
    path,
    neededBytes: needed,
    freeBytes: free,
  });
}
