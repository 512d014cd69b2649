/** A checkpoint of a database that no server has open, for as long as somebody needs it. Holds the data directory meanwhile. */
import { join } from 'node:path';
import { CHECKPOINTS_DIRECTORY } from '../../backup/checkpoint/checkpoint-file.js';
import { makeOfflineCheckpoint } from '../../backup/checkpoint/offline-checkpoint.js';
import { systemClock } from '../../base/clock.js';
import { packageVersion } from '../../base/version.js';
import { RealVfs } from '../../vfs/real.js';
import { openDataDirectory, removeTree } from '../data-directory.js';

export interface OfflineLease {
  /** Absolute. */
  readonly path: string;
  /** Removes it and gives the data directory up. */
  release(): void;
}

/** Throws DbError: DATA_DIRECTORY_LOCKED (a server runs), CONFIG (no database there), CORRUPT_* and IO. */
export function leaseOffline(dataDirectory: string): OfflineLease {
  const directory = openDataDirectory(dataDirectory, { shards: 0, mustExist: true });
  const { path, shards, instanceId } = directory;
  const release = (): void => {
    // All of them: who holds the directory is the only one that may have any.
    removeTree(join(path, CHECKPOINTS_DIRECTORY));
    directory.release();
  };
  try {
    const { path: checkpoint } = makeOfflineCheckpoint({
      vfs: new RealVfs(),
      dataDirectory: path,
      shards,
      instanceId,
      version: packageVersion(),
      clock: systemClock,
    });
    return { path: checkpoint, release };
  } catch (error) {
    release();
    throw error;
  }
}
