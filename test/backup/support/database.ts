/** Databases in memory, their checkpoints, and backups of them. */
import { randomUUID } from 'node:crypto';
import { makeOfflineCheckpoint } from '../../../src/backup/checkpoint/offline-checkpoint.js';
import {
  type BackupReport,
  type CreateBackupOptions,
  createBackup,
} from '../../../src/backup/create/create-backup.js';
import { LocalEncoder } from '../../../src/backup/create/local-encoder.js';
import { LocalDecoder } from '../../../src/backup/decode/local-decoder.js';
import type { BackupPlace } from '../../../src/backup/manifest/chain.js';
import type { ObjectStore } from '../../../src/backup/store/object-store.js';
import { type VerifyOptions, verifyBackup } from '../../../src/backup/verify/verify-backup.js';
import type { VerifyReport } from '../../../src/backup/verify/verify-report.js';
import { ManualClock } from '../../../src/base/clock.js';
import type { Prng } from '../../../src/base/prng.js';
import { MemoryVfs } from '../../../src/vfs/memory.js';
import type { Vfs } from '../../../src/vfs/vfs.js';
import { DATA, TestDatabase } from '../../tools/support.js';

export const INSTANCE = 'instance-of-tests';
const CATALOG = { format_version: 4, next_id: 4, collections: [], indexes: [] };

export const placeIn = (siblings: ObjectStore, name: string): BackupPlace => ({
  name,
  store: siblings.below(name),
  siblings,
});

/** A database that lives and is backed up now and then. */
export class BackedUpDatabase {
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly database: TestDatabase;
  private checkpoints = 0;

  constructor(
    private readonly prng: Prng,
    /** Shards of tools count their own seqnos: what builds upon each other is tested with one. */
    readonly shards = 1,
    readonly vfs: Vfs = new MemoryVfs({ modelsPowerCuts: false }),
    readonly dataDirectory = DATA,
    private readonly instanceId = INSTANCE,
  ) {
    this.database = new TestDatabase(vfs, shards, dataDirectory);
    vfs.writeFileAtomic(`${dataDirectory}/catalog.json`, Buffer.from(JSON.stringify(CATALOG)));
    vfs.writeFileAtomic(
      `${dataDirectory}/clock.json`,
      Buffer.from('{"format_version":1,"database_seconds":5000}'),
    );
  }

  /** Some writes, most of which come into tables. Tables that are there stay. */
  live(rounds = 2): void {
    for (let round = 0; round < rounds; round++) {
      this.database.scribble(this.prng, 150);
      this.database.flush();
    }
    this.database.scribble(this.prng, 40);
  }

  /** The directory of a checkpoint of now. */
  checkpoint(): string {
    // What nobody holds can be looked at.
    this.database.close();
    this.clock.advance(1000 * ++this.checkpoints);
    const { path } = makeOfflineCheckpoint({
      vfs: this.vfs,
      dataDirectory: this.dataDirectory,
      shards: this.shards,
      instanceId: this.instanceId,
      version: '0.1.0',
      clock: this.clock,
    });
    this.database.reopen();
    return path;
  }

  options(
    siblings: ObjectStore,
    name: string,
    changes: Partial<CreateBackupOptions> = {},
  ): CreateBackupOptions {
    const { vfs, clock } = this;
    return {
      vfs,
      checkpointDirectory: changes.checkpointDirectory ?? this.checkpoint(),
      destination: placeIn(siblings, name),
      type: 'incremental',
      compression: 'lz4',
      encoder: new LocalEncoder(vfs),
      clock,
      newId: () => randomUUID(),
      version: '0.1.0',
      walStream: null,
      ...changes,
    };
  }

  backUp(
    siblings: ObjectStore,
    name: string,
    changes: Partial<CreateBackupOptions> = {},
  ): Promise<BackupReport> {
    return createBackup(this.options(siblings, name, changes));
  }

  close(): void {
    this.database.close();
  }
}

export function verify(
  siblings: ObjectStore,
  name: string,
  changes: Partial<VerifyOptions> = {},
): Promise<VerifyReport> {
  const decoder = new LocalDecoder(new MemoryVfs());
  return verifyBackup({ place: placeIn(siblings, name), isQuick: false, decoder, lanes: 2, ...changes });
}

/** One line for each finding. */
export const linesOf = ({ findings }: VerifyReport): string[] =>
  findings.map(({ backup, object, reason }) => `${backup}/${object ?? ''}: ${reason}`);
