/**
 * The directory that a backup is restored into: held for as long as it takes, and either empty, or one that the same restore has
 * begun to fill, or, with force, one whose contents are set aside. Main thread of a command.
 */
import { join } from 'node:path';
import {
  type RestoreJournal,
  readRestoreJournal,
  requireSameRestore,
} from '../../backup/restore/restore-journal.js';
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';
import { claimDirectory, foreignNames } from '../data-directory.js';

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
  readonly wanted: Omit<RestoreJournal, 'state'>;
  readonly isForced: boolean;
  readonly clock: Clock;
}

/** Throws DbError: DATA_DIRECTORY_LOCKED (a server runs there: force does not help), CONFLICT (it is not empty), IO. */
export function openTarget({ vfs, path, wanted, isForced, clock }: TargetOptions): RestoreTarget {
  const claimed = claimDirectory(path);
  try {
    const names = foreignNames(claimed.path);
    const found = readRestoreJournal(vfs, claimed.path);
    // Once there is meta.json the restore is over, but for the removal of its journal.
    if (found !== undefined && !names.includes('meta.json')) {
      requireSameRestore(found, wanted, claimed.path);
      return { ...claimed, found, replaced: null };
    }
    const old = names.filter((name) => !isSetAside(name));
    if (old.length === 0) return { ...claimed, found: undefined, replaced: null };
    if (!isForced) throw notEmpty(claimed.path, old);
    return { ...claimed, found: undefined, replaced: setAside(vfs, claimed.path, old, clock) };
  } catch (error) {
    claimed.release();
    throw error;
  }
}

const isSetAside = (name: string): boolean => name.startsWith('replaced-');

function setAside(vfs: Vfs, path: string, names: readonly string[], clock: Clock): string {
  const time = new Date(clock.wallMs()).toISOString().slice(0, 19).replace(/[-:]/g, '');
  const directory = join(path, `replaced-${time}Z`);
  vfs.makeDirectory(directory);
  // meta.json first: without it nobody takes what is left for a database.
  const ordered = [...names].sort((a, b) => Number(b === 'meta.json') - Number(a === 'meta.json'));
  for (const name of ordered) vfs.rename(join(path, name), join(directory, name));
  vfs.syncDirectory(directory);
  vfs.syncDirectory(path);
  return directory;
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
