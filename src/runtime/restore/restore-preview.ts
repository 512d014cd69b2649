/** What a restore would do, and could do. Reads the source and looks at the target; changes nothing. Main thread of a command. */
import { dirname, resolve } from 'node:path';
import { type Chain, readChain } from '../../backup/manifest/chain.js';
import { earlierBackups } from '../../backup/restore/earlier-backups.js';
import { missingBytes } from '../../backup/restore/place-files.js';
import { isSameRestore, type RestoreIdentity } from '../../backup/restore/restore-journal.js';
import { planRestore, type RestorePlan, type RestorePoint } from '../../backup/restore/restore-plan.js';
import { type StreamSurvey, surveyStream } from '../../backup/restore/stream-survey.js';
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';
import type { RestoreOptions } from './restore.js';
import { lookAtTarget, requireApart, type TargetLook } from './restore-target.js';
import { type RestoredCatalog, restoredCatalog } from './restored-catalog.js';

export interface PreparedRestore {
  readonly plan: RestorePlan;
  readonly identity: RestoreIdentity;
  readonly target: TargetLook;
}

export interface RestorePreview extends PreparedRestore {
  readonly catalog: RestoredCatalog;
  /** Raw bytes of the files of the backup, and of those that are not in the target yet; more comes with the log. */
  readonly bytes: number;
  readonly missingBytes: number;
  readonly freeBytes: number;
  /** Why the WAL stream could not be looked at, where it is not needed; null: it could. */
  readonly streamProblem: string | null;
}

/** Throws what reading the chain, the stream and the plan throws. */
export async function prepareRestore(options: RestoreOptions): Promise<PreparedRestore> {
  const chain = await readSource(options);
  // Where the backup is enough, what became of its stream does not matter.
  return prepare(
    options,
    chain,
    options.point.kind === 'backup' ? undefined : await streamOf(options, chain),
  );
}

/** For --dry-run. */
export async function previewRestore(options: RestoreOptions): Promise<RestorePreview> {
  const { vfs, target } = options;
  const chain = await readSource(options);
  let streamProblem: string | null = null;
  const stream = await streamOf(options, chain).catch((error: unknown) => {
    if (options.point.kind !== 'backup' || !(error instanceof DbError)) throw error;
    streamProblem = error.message;
    return undefined;
  });
  const prepared = await prepare(options, chain, stream);
  const { files } = chain[0].manifest;
  const path = resolve(target);
  return {
    ...prepared,
    catalog: await restoredCatalog(prepared.plan, options),
    bytes: files.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
    missingBytes: missingBytes(vfs, path, files),
    freeBytes: vfs.freeBytes(existingPart(vfs, path)),
    streamProblem,
  };
}

function readSource({ source, walSource, target, key }: RestoreOptions): Promise<Chain> {
  requireApart(target, [source.store.url, ...(walSource === undefined ? [] : [walSource.url])]);
  return readChain(source, { ...(key && { key }) });
}

async function prepare(
  options: RestoreOptions,
  chain: Chain,
  stream: StreamSurvey | undefined,
): Promise<PreparedRestore> {
  const { source, point, key, vfs } = options;
  const { manifest, store } = chain[0];
  const asked: Pick<RestoreIdentity, 'digest' | 'asked' | 'collections' | 'shards'> = {
    digest: manifest.digest,
    asked: pointText(point),
    collections: options.collections === undefined ? null : [...options.collections].sort(),
    shards: options.shards ?? manifest.shards,
  };
  const target = lookAtTarget(vfs, options.target);
  // The stream may have gone on since an interrupted run has looked: what that found holds.
  const begun =
    target.state === 'unfinished' && isSameRestore(target.found, asked) && point.kind !== 'backup'
      ? target.found
      : undefined;
  const plan = await planRestore({
    ...options,
    chain,
    stream,
    point:
      begun === undefined
        ? point
        : { kind: 'decided', seqno: begun.seqno, catalog: begun.catalog ?? undefined },
    earlier: (wanted) => earlierBackups(source.siblings, manifest.instance_id, wanted, key),
  });
  const identity: RestoreIdentity = {
    backup: manifest.id,
    source: store.url,
    seqno: plan.seqno,
    catalog: plan.catalog ?? null,
    ...asked,
  };
  return { plan, identity, target };
}

async function streamOf({ walSource }: RestoreOptions, chain: Chain): Promise<StreamSurvey | undefined> {
  const { instance_id, shards } = chain[0].manifest;
  return walSource === undefined ? undefined : surveyStream(walSource, instance_id, shards);
}

/** As people ask for it. */
function pointText(point: RestorePoint): string {
  switch (point.kind) {
    case 'backup':
      return 'the backup';
    case 'latest':
      return 'the latest';
    case 'seqno':
    case 'decided':
      return `seqno ${point.seqno}`;
    case 'time':
      return new Date(point.timeMs).toISOString();
  }
}

function existingPart(vfs: Vfs, path: string): string {
  let part = path;
  while (!vfs.exists(part)) part = dirname(part);
  return part;
}
