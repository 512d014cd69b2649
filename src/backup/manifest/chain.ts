/**
 * A chain of backups: one backup and all those that it builds upon, which lie beside it. Read and checked against each other
 * here; what is inside the objects is for those who read them. Any thread.
 */
import { DbError } from '../../base/errors.js';
import { damaged } from '../damaged.js';
import type { ObjectStore } from '../store/object-store.js';
import {
  BACKUP_MANIFEST,
  BACKUP_MANIFEST_BYTES_MAX,
  type BackedUpFile,
  decodeManifest,
  type SealedManifest,
} from './backup-manifest.js';
import { memberProblems } from './chain-checks.js';
import { coverageProblems } from './log-coverage.js';

/** A backup of a chain. */
export interface ChainMember {
  /** Its folder. */
  readonly name: string;
  readonly manifest: SealedManifest;
  readonly store: ObjectStore;
}

/** From the newest backup to the full one that it builds upon. */
export type Chain = readonly [ChainMember, ...ChainMember[]];

/** What is wrong with a chain, and in which of its backups. */
export interface ChainProblem {
  readonly backup: string;
  readonly reason: string;
}

/** Where a backup is: in a folder of `siblings`, which its parents are looked for in, too. */
export interface BackupPlace {
  readonly name: string;
  readonly store: ObjectStore;
  /** Undefined where nothing can be beside it: in the root of a bucket. */
  readonly siblings: ObjectStore | undefined;
}

export interface ChainOptions {
  /** 32 bytes; needed for encrypted backups. */
  readonly key?: Uint8Array;
  /** What was read of backups of the same folder, by name: for those who look at many chains that share their parents. */
  readonly known?: Map<string, Promise<SealedManifest>>;
}

/** Backups that one may build upon. Those that create backups stop far below it. */
export const CHAIN_MEMBERS_MAX = 100;

/** Throws DbError: NOT_FOUND (there is no finished backup), CORRUPT_BACKUP, BACKUP_KEY, and what the store throws. */
export async function readBackup(store: ObjectStore, key?: Uint8Array): Promise<SealedManifest> {
  const file = `${store.url}/${BACKUP_MANIFEST}`;
  const bytes = await readManifestBytes(store, file);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw damaged(file, 'it is no UTF-8');
  }
  return decodeManifest(text, file, key);
}

/** The same, once for each name. */
export function readBackupOnce(
  store: ObjectStore,
  name: string,
  { key, known }: ChainOptions,
): Promise<SealedManifest> {
  const read = known?.get(name) ?? readBackup(store, key);
  known?.set(name, read);
  return read;
}

/** Throws like readBackup, and CORRUPT_BACKUP at the first thing that is wrong with the chain. */
export async function readChain(place: BackupPlace, options: ChainOptions = {}): Promise<Chain> {
  const { chain, problems } = await surveyChain(place, options);
  const [problem] = problems;
  if (problem !== undefined) throw damaged(backupUrl(place, problem.backup), problem.reason);
  return chain;
}

/** The same with all that is wrong with it; the chain then reaches as far as it could be followed. */
export async function surveyChain(
  place: BackupPlace,
  options: ChainOptions = {},
): Promise<{ readonly chain: Chain; readonly problems: readonly ChainProblem[] }> {
  const { name, store, siblings } = place;
  const manifest = await readBackupOnce(store, name, options);
  const chain: [ChainMember, ...ChainMember[]] = [{ name, store, manifest }];
  const problems: ChainProblem[] = [];
  for (let child = chain[0]; child.manifest.parent !== null; ) {
    const parent = await readParent(child, siblings, chain, options);
    if (typeof parent === 'string') {
      problems.push({ backup: child.name, reason: parent });
      break;
    }
    chain.push(parent);
    child = parent;
  }
  problems.push(...memberProblems(chain));
  // Behind a gap everything would be missing: one problem is enough.
  if (problems.length === 0) problems.push(...coverageProblems(chain));
  return { chain, problems };
}

/** Who holds the object of a file of the newest backup. */
export function holderOf([newest, ...parents]: Chain, file: BackedUpFile): ChainMember {
  if (file.in === undefined) return newest;
  const holder = parents.find(({ name }) => name === file.in);
  if (holder === undefined) throw damaged(newest.name, `${file.path} is in ${file.in}, which is not there`);
  return holder;
}

async function readParent(
  child: ChainMember,
  siblings: ObjectStore | undefined,
  chain: Chain,
  options: ChainOptions,
): Promise<ChainMember | string> {
  const { parent } = child.manifest;
  if (parent === null || siblings === undefined) return 'it builds upon another, and nothing is beside it';
  const { name, id, digest } = parent;
  if (chain.some((member) => member.name === name)) return `it builds upon ${name}, which builds upon it`;
  if (chain.length >= CHAIN_MEMBERS_MAX) return `it builds upon more than ${CHAIN_MEMBERS_MAX} others`;
  const store = siblings.below(name);
  try {
    const manifest = await readBackupOnce(store, name, options);
    if (manifest.id === id && manifest.digest === digest) return { name, manifest, store };
    return `it builds upon ${name}, and another backup has that name now`;
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    if (error.code === 'NOT_FOUND') return `it builds upon ${name}, which is missing`;
    if (error.code === 'CORRUPT_BACKUP')
      return `it builds upon ${name}, which is damaged: ${reasonOf(error)}`;
    throw error;
  }
}

async function readManifestBytes(store: ObjectStore, file: string): Promise<Uint8Array> {
  try {
    return await store.read(BACKUP_MANIFEST, BACKUP_MANIFEST_BYTES_MAX);
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    if (error.code === 'PAYLOAD_TOO_LARGE') throw damaged(file, error.message);
    if (error.code !== 'NOT_FOUND') throw error;
    throw new DbError(
      'NOT_FOUND',
      `there is no finished backup in ${store.url}: it has no ${BACKUP_MANIFEST}`,
      {
        file,
      },
    );
  }
}

const backupUrl = ({ name, store, siblings }: BackupPlace, backup: string): string =>
  backup === name || siblings === undefined ? store.url : siblings.below(backup).url;

const reasonOf = ({ message, details }: DbError): string =>
  typeof details?.['reason'] === 'string' ? details['reason'] : message;
