/**
 * A folder of backups, and in what state each of them is. Looks at manifests and at lists of objects, not into objects: see
 * verify/ for that. Any thread.
 */
import { DbError } from '../../base/errors.js';
import { PARTIAL_BACKUP } from '../create/partial-backup.js';
import type { ObjectStore } from '../store/object-store.js';
import { BACKUP_MANIFEST, isBackupName, type SealedManifest } from './backup-manifest.js';
import { type Chain, type ChainOptions, readBackupOnce, surveyChain } from './chain.js';
import { type KnownAbsent, whatIsAbsent } from './objects-present.js';

export type FoundBackup =
  /** Finished, and all it needs is there. */
  | {
      readonly state: 'complete';
      readonly name: string;
      readonly manifest: SealedManifest;
      readonly chain: Chain;
    }
  /** Finished, and something that it needs is not as it should be: `isOwn`, in itself; else in what it builds upon. */
  | {
      readonly state: 'broken';
      readonly name: string;
      readonly manifest: SealedManifest;
      readonly isOwn: boolean;
      readonly reason: string;
    }
  /** What it consists of cannot be read: it is damaged, or the key is missing. */
  | {
      readonly state: 'unreadable';
      readonly name: string;
      readonly reason: string;
      readonly parent: string | null;
    }
  /** It was never finished, or removed by halves. `modifiedMs`: when somebody last worked on it. */
  | { readonly state: 'interrupted'; readonly name: string; readonly modifiedMs: number };

export interface FolderOptions {
  /** 32 bytes; without it encrypted backups are unreadable. */
  readonly key?: Uint8Array;
}

/** All that are there, by name. Other folders are not mentioned. Throws what the store throws. */
export async function surveyFolder(folder: ObjectStore, options: FolderOptions = {}): Promise<FoundBackup[]> {
  const found: FoundBackup[] = [];
  const looks: Looks = { chains: { ...options, known: new Map() }, absent: new Map() };
  for (const name of (await folder.folders('')).filter(isBackupName)) {
    const backup = await look(folder, name, looks);
    if (backup !== undefined) found.push(backup);
  }
  return found;
}

/** Each backup is read once, however many build upon it. */
interface Looks {
  readonly chains: ChainOptions;
  readonly absent: KnownAbsent;
}

async function look(
  folder: ObjectStore,
  name: string,
  { chains, absent }: Looks,
): Promise<FoundBackup | undefined> {
  const store = folder.below(name);
  let manifest: SealedManifest;
  try {
    manifest = await readBackupOnce(store, name, chains);
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    if (error.code === 'NOT_FOUND') return interrupted(store, name);
    if (error.code !== 'CORRUPT_BACKUP' && error.code !== 'BACKUP_KEY') throw error;
    return { state: 'unreadable', name, reason: error.message, parent: await claimedParent(store) };
  }
  const broken = (isOwn: boolean, reason: string): FoundBackup => ({
    state: 'broken',
    name,
    manifest,
    isOwn,
    reason,
  });
  try {
    const { chain, problems } = await surveyChain({ name, store, siblings: folder }, chains);
    const [problem] = problems;
    if (problem !== undefined) return broken(false, problem.reason);
    const own = await whatIsAbsent([chain[0]], absent);
    if (own !== undefined) return broken(true, own);
    const others = await whatIsAbsent(chain.slice(1), absent);
    return others === undefined ? { state: 'complete', name, manifest, chain } : broken(false, others);
  } catch (error) {
    if (error instanceof DbError && error.code === 'BACKUP_KEY') return broken(false, error.message);
    throw error;
  }
}

async function interrupted(store: ObjectStore, name: string): Promise<FoundBackup | undefined> {
  const facts = await store.stat(PARTIAL_BACKUP);
  return facts === undefined ? undefined : { state: 'interrupted', name, modifiedMs: facts.modifiedMs };
}

/** What it builds upon by its own words, which nobody has checked: good enough to be careful by. */
async function claimedParent(store: ObjectStore): Promise<string | null> {
  try {
    const bytes = await store.read(BACKUP_MANIFEST, 64 * 1024 * 1024);
    const value = JSON.parse(Buffer.from(bytes).toString('utf8')) as { parent?: { name?: unknown } | null };
    const name = value.parent?.name;
    return typeof name === 'string' && isBackupName(name) ? name : null;
  } catch {
    return null;
  }
}
