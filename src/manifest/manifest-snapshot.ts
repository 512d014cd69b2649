/**
 * What a new manifest begins with when it takes the place of another: all that the old one said, and which of the tables it
 * removed still have files. Without those a crash before the files are deleted would leave tables that no manifest
 * ever named, and such tables are kept in quarantine for ever. Shard thread.
 */
import type { ManifestContents } from './manifest-contents.js';
import type { ManifestDirectory } from './manifest-file.js';
import { listDirectory } from './manifest-survey.js';
import type { VersionEdit } from './version-edit.js';

/** Reads the directory. Throws DbError('IO'). */
export function successorSnapshot(place: ManifestDirectory, contents: ManifestContents): VersionEdit {
  const { tables } = listDirectory(place);
  const obsoleteTables = tables.filter((fileNumber) => contents.obsoleteTables.has(fileNumber));
  return { ...contents.snapshot(), obsoleteTables };
}
