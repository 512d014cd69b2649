/**
 * Which backup an incremental one builds upon: the newest one beside it that is whole, of the same database and made in the same
 * way. There may be none, and then people are told why. Reads only.
 */
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { shardPlace } from '../../tools/shard-place.js';
import type { Vfs } from '../../vfs/vfs.js';
import { isBackupName, type SealedManifest } from '../manifest/backup-manifest.js';
import { type Chain, type ChainOptions, readBackupOnce, readChain } from '../manifest/chain.js';
import { isSameSet } from '../manifest/chain-checks.js';
import { type KnownAbsent, whatIsAbsent } from '../manifest/objects-present.js';
import type { ObjectStore } from '../store/object-store.js';
import type { CheckpointContents } from './checkpoint-contents.js';
import { isSameLog } from './log-continuity.js';

const DAY_MS = 24 * 3_600_000;
/** A restore reads all of a chain; each backup of it is one more that must not be lost. */
export const CHAIN_LENGTH_MAX = 30;
/** Scripts that delete folders after a week must not delete what a newer backup builds upon. */
export const FULL_AGE_MS_MAX = 6 * DAY_MS;

export interface ParentSearch {
  readonly vfs: Vfs;
  readonly contents: CheckpointContents;
  /** The folder of backups, and the one that is being made in it. */
  readonly siblings: ObjectStore | undefined;
  readonly name: string;
  readonly key?: Uint8Array;
  readonly collections: readonly string[] | null;
  readonly clock: Clock;
}

export interface FoundParent {
  readonly chain: Chain | undefined;
  /** Why there is none; null when there is one. */
  readonly reason: string | null;
}

/** A candidate as far as it was read. */
interface Candidate {
  readonly name: string;
  readonly manifest: SealedManifest | undefined;
  readonly problem: string;
}

/** What is wrong with a candidate. */
interface Refusal {
  readonly reason: string;
  /** It is time for a full one: no older backup will do either. */
  readonly isFinal: boolean;
}

/** The parent that was named. Throws CONFLICT with the reason when nothing can be built upon it. */
export async function namedParent(search: ParentSearch, name: string): Promise<Chain> {
  const { siblings } = search;
  const fail = (reason: string): never => {
    throw new DbError('CONFLICT', `no backup can be built upon ${name}: ${reason}`, { parent: name, reason });
  };
  if (siblings === undefined || name === search.name) return fail('it is not beside this one');
  const looks = newLooks(search, siblings);
  const candidate = await readCandidate(looks, name);
  if (candidate.manifest === undefined) return fail(candidate.problem);
  const chain = await judge(search, looks, name, candidate.manifest, false);
  return 'reason' in chain ? fail(chain.reason) : chain;
}

/** The newest backup that one can build upon. */
export async function findParent(search: ParentSearch): Promise<FoundParent> {
  const { siblings, contents } = search;
  const none = (reason: string): FoundParent => ({ chain: undefined, reason });
  if (siblings === undefined) return none('nothing can be beside a backup that fills a whole store');
  const looks = newLooks(search, siblings);
  const names = (await siblings.folders('')).filter((name) => name !== search.name && isBackupName(name));
  const candidates: Candidate[] = [];
  for (const name of names) candidates.push(await readCandidate(looks, name));
  const isOurs = ({ manifest }: Candidate): boolean =>
    manifest === undefined || manifest.instance_id === contents.checkpoint.instance_id;
  const newestFirst = candidates.filter(isOurs).sort((a, b) => (finishedAt(a) < finishedAt(b) ? 1 : -1));
  let first: string | undefined;
  for (const { name, manifest, problem } of newestFirst) {
    const judged =
      manifest === undefined
        ? { reason: problem, isFinal: false }
        : await judge(search, looks, name, manifest, true);
    if (!('reason' in judged)) return { chain: judged, reason: null };
    if (judged.isFinal) return none(judged.reason);
    if (problem !== NOT_FINISHED) first ??= `${name}: ${judged.reason}`;
  }
  if (first !== undefined) return none(first);
  return none(
    candidates.some((each) => !isOurs(each))
      ? 'the backups beside it are of other databases'
      : 'there is no backup beside it yet',
  );
}

const NOT_FINISHED = 'it holds no finished backup';

/** In front of all others without a time: what cannot be read may be the newest one, and people should hear of it. */
const finishedAt = ({ manifest }: Candidate): number =>
  manifest === undefined ? Number.POSITIVE_INFINITY : Date.parse(manifest.finished_at);

/** The folder; each backup in it is read once, however many build upon it. */
interface Looks {
  readonly siblings: ObjectStore;
  readonly chains: ChainOptions;
  readonly absent: KnownAbsent;
}

const newLooks = ({ key }: ParentSearch, siblings: ObjectStore): Looks => ({
  siblings,
  chains: { key, known: new Map() },
  absent: new Map(),
});

async function readCandidate({ siblings, chains }: Looks, name: string): Promise<Candidate> {
  try {
    return { name, manifest: await readBackupOnce(siblings.below(name), name, chains), problem: '' };
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    if (error.code === 'NOT_FOUND') return { name, manifest: undefined, problem: NOT_FINISHED };
    if (error.code === 'CORRUPT_BACKUP' || error.code === 'BACKUP_KEY')
      return { name, manifest: undefined, problem: error.message };
    throw error;
  }
}

async function judge(
  search: ParentSearch,
  { siblings, chains, absent }: Looks,
  name: string,
  manifest: SealedManifest,
  isAutomatic: boolean,
): Promise<Chain | Refusal> {
  const refusal = refusalOf(search, manifest);
  if (refusal !== undefined) return { reason: refusal, isFinal: false };
  const place = { name, store: siblings.below(name), siblings };
  let chain: Chain;
  try {
    chain = await readChain(place, chains);
  } catch (error) {
    if (!(error instanceof DbError) || (error.code !== 'CORRUPT_BACKUP' && error.code !== 'BACKUP_KEY'))
      throw error;
    return { reason: error.message, isFinal: false };
  }
  const overdue = overdueReason(chain, search.clock, isAutomatic);
  if (overdue !== undefined) return { reason: overdue, isFinal: true };
  const missing = await whatIsAbsent(chain, absent);
  return missing === undefined ? chain : { reason: missing, isFinal: false };
}

/** What the two say of themselves. */
function refusalOf(
  { contents, key, collections, vfs }: ParentSearch,
  manifest: SealedManifest,
): string | undefined {
  const { checkpoint, directory } = contents;
  if (manifest.instance_id !== checkpoint.instance_id) return `it is of database ${manifest.instance_id}`;
  if (manifest.shards !== checkpoint.shards.length)
    return `it has ${manifest.shards} shards, the database has ${checkpoint.shards.length} now`;
  if ((manifest.encryption === null) !== (key === undefined))
    return manifest.encryption === null ? 'it is not encrypted' : 'it is encrypted';
  if (!isSameSet(manifest.collections, collections)) return 'it is of other collections';
  if (manifest.seqno > checkpoint.seqno)
    return `it is of seqno ${manifest.seqno} and the database only at ${checkpoint.seqno}: it has lost writes`;
  const isSame = manifest.log.every((piece) => {
    const shard = checkpoint.shards.find((each) => each.shard === piece.shard);
    const { walDirectory } = shardPlace(vfs, directory, piece.shard);
    return shard !== undefined && isSameLog(vfs, walDirectory, shard, piece);
  });
  return isSame ? undefined : 'the log of the database is another one than it has: the database lost writes';
}

function overdueReason(chain: Chain, clock: Clock, isAutomatic: boolean): string | undefined {
  if (chain.length >= CHAIN_LENGTH_MAX) return `${chain.length} backups build upon each other already`;
  const full = chain[chain.length - 1];
  const isOld = clock.wallMs() - Date.parse(full.manifest.taken_at) > FULL_AGE_MS_MAX;
  if (!isAutomatic || !isOld) return undefined;
  return `the last full backup (${full.name}) is older than ${FULL_AGE_MS_MAX / DAY_MS} days`;
}
