/** A backup as a process makes it that does nothing else: with the real files and clock, on as many threads as it is given. */
import { randomUUID } from 'node:crypto';
import { type BackupReport, createBackup } from '../../backup/create/create-backup.js';
import type { Encoder } from '../../backup/create/encode-job.js';
import { LocalEncoder } from '../../backup/create/local-encoder.js';
import { systemClock } from '../../base/clock.js';
import { packageVersion } from '../../base/version.js';
import type { Config } from '../../config/schema.js';
import { RealVfs } from '../../vfs/real.js';
import { openBackup } from './places.js';
import { selectCollections } from './select-collections.js';
import { ThreadEncoder } from './thread-encoder.js';

/** One is made while the other is made durable. */
const LOCAL_LANES = 2;

export interface MakeBackupOptions {
  readonly config: Config;
  /** Absolute. */
  readonly checkpointDirectory: string;
  /** Of the new backup. */
  readonly location: string;
  readonly type: 'full' | 'incremental';
  /** See CreateBackupOptions. */
  readonly parent?: string;
  readonly compression: Config['backup']['compression'];
  readonly key?: Uint8Array;
  /** Names; absent: all. */
  readonly collections?: readonly string[];
  /** Threads that make objects. */
  readonly threads: number;
  readonly bytesPerSecond?: number;
  readonly signal: AbortSignal;
  readonly onProgress: (bytesDone: number, bytesTotal: number) => void;
}

/** Throws what createBackup throws. */
export async function makeBackup(options: MakeBackupOptions): Promise<BackupReport> {
  const { config, location, bytesPerSecond, collections, threads, ...rest } = options;
  const vfs = new RealVfs();
  const destination = openBackup(location, config, bytesPerSecond);
  const encoder: Encoder = threads > 1 ? new ThreadEncoder(threads) : new LocalEncoder(vfs, LOCAL_LANES);
  try {
    return await createBackup({
      ...rest,
      vfs,
      destination,
      selection: collections === undefined ? undefined : selectCollections(collections),
      encoder,
      clock: systemClock,
      newId: () => randomUUID(),
      version: packageVersion(),
      walStream: config['backup.wal_stream'].destination || null,
    });
  } finally {
    await encoder.close();
    await destination.close();
  }
}
