/**
 * Files of a shard's table directory that its manifest does not name. What a crash is known to leave is removed, anything
 * else is moved to `quarantine/` beside the directory and kept: nothing unknown is ever deleted. Shard thread, at start.
 */
import { freePath, parentOf } from '../vfs/transfer.js';
import type { Vfs } from '../vfs/vfs.js';

export type StrayKind =
  /** A table that no version of the manifest ever named: a job ended without its edit, or somebody put it there. */
  | 'orphan table'
  /** A table that an edit removed, of this manifest or of one before: a crash came before its file was deleted. */
  | 'obsolete table'
  /** A manifest that CURRENT does not name: a crash came before or after the switch. */
  | 'other manifest'
  /** The manifest until this start, whole, but without a seal: the new one says the same. */
  | 'superseded manifest'
  /** Being written when a crash came: `*.sst.tmp`, `MANIFEST-*.tmp`, `CURRENT.*.tmp`. */
  | 'incomplete file'
  | 'unknown file';

export interface Stray {
  readonly name: string;
  readonly kind: StrayKind;
}

export interface SettledStray extends Stray {
  readonly action: 'none' | 'removed' | 'quarantined';
  /** Where it is now; absent if it was removed. */
  readonly path?: string;
}

/** Removes or moves them, durably. Throws DbError('IO') at the first that resists; a second call goes on from there. */
export function settleStrays(vfs: Vfs, directory: string, strays: readonly Stray[]): SettledStray[] {
  const settled = strays.map((stray) =>
    isDisposable(stray) ? remove(vfs, directory, stray) : quarantine(vfs, directory, stray),
  );
  // A rename between two directories is durable when both were synced.
  if (settled.some(({ action }) => action === 'quarantined')) vfs.syncDirectory(quarantineOf(directory));
  if (settled.length > 0) vfs.syncDirectory(directory);
  return settled;
}

/** For readers that change nothing: what settleStrays would find. */
export function leaveStrays(directory: string, strays: readonly Stray[]): SettledStray[] {
  return strays.map((stray) => ({ ...stray, action: 'none', path: `${directory}/${stray.name}` }));
}

function isDisposable({ kind }: Stray): boolean {
  return kind === 'incomplete file' || kind === 'obsolete table' || kind === 'superseded manifest';
}

function remove(vfs: Vfs, directory: string, stray: Stray): SettledStray {
  vfs.unlink(`${directory}/${stray.name}`);
  return { ...stray, action: 'removed' };
}

function quarantine(vfs: Vfs, directory: string, stray: Stray): SettledStray {
  const target = quarantineOf(directory);
  vfs.makeDirectory(target);
  const path = freePath(vfs, `${target}/${stray.name}`);
  vfs.rename(`${directory}/${stray.name}`, path);
  return { ...stray, action: 'quarantined', path };
}

function quarantineOf(directory: string): string {
  return `${parentOf(directory)}/quarantine`;
}
