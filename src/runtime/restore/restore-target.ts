/**
 * The directory that a backup is restored into: held for as long as it takes, and either empty, or one that the same restore has
 * begun to fill, or, with force, one whose contents are set aside. Main thread of a command.
 */
import { readdirSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { BACKUP_MANIFEST } from '../../backup/manifest/backup-manifest.js';
import {
  isSameRestore,
  RESTORE_JOURNAL,
  type RestoreIdentity,
  type RestoreJournal,
  readRestoreJournal,
  requireSameRestore,
} from '../../backup/restore/restore-journal.js';
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { RESHARD_JOURNAL } from '../../tools/reshard-journal.js';
import { isAtomicWriteLeftover } from '../../vfs/transfer.js';
import type { Vfs } from '../../vfs/vfs.js';
import { claimDirectory, foreignNames } from '../data-directory.js';
import { realPath } from '../outside-directory.js';

export interface RestoreTarget {
  /** Absolute. */
  readonly path: string;
  /** What an earlier run has come to; undefined when there was none. */
  readonly found: RestoreJournal | undefined;
  /** Where its contents were moved to; null when there were none. */
  readonly replaced: string | null;
  release(): void;
}

export interface TargetOptions {
  readonly vfs: Vfs;
  readonly path: string;
  readonly wanted: RestoreIdentity;
  readonly isForced: boolean;
  readonly clock: Clock;
}

/** What a restore would meet. Holds nothing, changes nothing. */
export type TargetLook =
  | { readonly state: 'missing' | 'empty' }
  | { readonly state: 'unfinished'; readonly found: RestoreJournal }
  | { readonly state: 'taken'; readonly names: readonly string[] };

/** Throws CORRUPT_BACKUP for a journal that cannot be read, and IO. */
export function lookAtTarget(vfs: Vfs, path: string): TargetLook {
  const directory = resolve(path);
  if (!vfs.exists(directory)) return { state: 'missing' };
  const found = readRestoreJournal(vfs, directory);
  if (found !== undefined) return { state: 'unfinished', found };
  const names = foreignNames(directory).filter(isOld);
  return names.length === 0 ? { state: 'empty' } : { state: 'taken', names };
}

/** Throws DbError: DATA_DIRECTORY_LOCKED (a server runs there: force does not help), CONFLICT (it is not empty), IO. */
export function openTarget({ vfs, path, wanted, isForced, clock }: TargetOptions): RestoreTarget {
  const claimed = claimDirectory(path);
  try {
    const look = lookAtTarget(vfs, claimed.path);
    if (look.state === 'unfinished' && !isOver(vfs, claimed.path, look.found, wanted)) {
      requireSameRestore(look.found, wanted, claimed.path);
      requireNoLinks(claimed.path);
      sweepLeftovers(vfs, claimed.path);
      return { ...claimed, found: look.found, replaced: null };
    }
    const names = look.state === 'taken' ? look.names : foreignNames(claimed.path).filter(isOld);
    if (names.length === 0) {
      sweepLeftovers(vfs, claimed.path);
      return { ...claimed, found: undefined, replaced: null };
    }
    if (names.includes(BACKUP_MANIFEST)) {
      const message = `${claimed.path} is a backup: nothing is restored over it`;
      throw new DbError('CONFLICT', message, { path: claimed.path });
    }
    if (!isForced) throw notEmpty(claimed.path, names);
    return { ...claimed, found: undefined, replaced: setAside(vfs, claimed.path, names, clock) };
  } catch (error) {
    claimed.release();
    throw error;
  }
}

/** Throws VALIDATION when one of the directories lies in the other: what is read would be moved aside, or written into. */
export function requireApart(target: string, sources: readonly string[]): void {
  const there = realPath(resolve(target));
  for (const source of sources.filter((each) => each.startsWith(sep))) {
    const from = realPath(source);
    if (!isWithin(from, there) && !isWithin(there, from)) continue;
    const message = `the target ${target} and ${source}, which is read, lie in each other: choose another --target`;
    throw new DbError('VALIDATION', message, { target, source });
  }
}

const isWithin = (path: string, directory: string): boolean =>
  path === directory || path.startsWith(directory.endsWith(sep) ? directory : directory + sep);

/** What restores have set aside stays where it is; one that ended before its journal was there has left nothing of value. */
const isOld = (name: string): boolean =>
  !name.startsWith('replaced-') && !isAtomicWriteLeftover(name, RESTORE_JOURNAL);

/** Files that are written as a whole, half written. */
function sweepLeftovers(vfs: Vfs, path: string): void {
  const targets = [RESTORE_JOURNAL, RESHARD_JOURNAL, 'catalog.json', 'clock.json'];
  for (const name of readdirSync(path))
    if (targets.some((target) => isAtomicWriteLeftover(name, target))) vfs.unlink(join(path, name));
}

/** Once there is meta.json only the removal of the journal is left, which the same restore may do: for another it is a database. */
function isOver(vfs: Vfs, path: string, found: RestoreJournal, wanted: RestoreIdentity): boolean {
  return vfs.exists(join(path, 'meta.json')) && !isSameRestore(found, wanted);
}

/** What a restore has made has no links in it; through one it would write elsewhere. */
function requireNoLinks(path: string): void {
  for (const shard of readdirSync(path, { withFileTypes: true })) {
    if (!shard.name.startsWith('shard-')) continue;
    const inner = shard.isDirectory() ? readdirSync(join(path, shard.name), { withFileTypes: true }) : [];
    const link = [shard, ...inner].find((each) => each.isSymbolicLink());
    if (link === undefined) continue;
    const message = `${link.name} in ${path} is a symbolic link: a restore has not made it. Empty the directory`;
    throw new DbError('CONFLICT', message, { path });
  }
}

function setAside(vfs: Vfs, path: string, names: readonly string[], clock: Clock): string {
  const time = new Date(clock.wallMs()).toISOString().slice(0, 19).replace(/[-:]/g, '');
  const directory = freeName(vfs, join(path, `replaced-${time}Z`));
  vfs.makeDirectory(directory);
  // meta.json first: without it nobody takes what is left for a database.
  const ordered = [...names].sort((a, b) => Number(b === 'meta.json') - Number(a === 'meta.json'));
  for (const name of ordered) vfs.rename(join(path, name), join(directory, name));
  vfs.syncDirectory(directory);
  vfs.syncDirectory(path);
  return directory;
}

function freeName(vfs: Vfs, name: string): string {
  let candidate = name;
  for (let count = 2; vfs.exists(candidate); count++) candidate = `${name}_${count}`;
  return candidate;
}

function notEmpty(path: string, names: readonly string[]): DbError {
  const some = names.slice(0, 3).join(', ');
  const more = names.length > 3 ? ` and ${names.length - 3} more` : '';
  return new DbError(
    'CONFLICT',
    `${path} is not empty (${some}${more}): empty it, choose another --target, or use --force, which moves what is there aside`,
    { path, found: some },
  );
}
