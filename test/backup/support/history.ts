/**
 * The history of a database of several shards that take their seqnos from one row, with all that was ever logged: so it is known what
 * the database had after any of them. The batches are written straight into the logs of closed shards.
 */
import { randomUUID } from 'node:crypto';
import { makeOfflineCheckpoint } from '../../../src/backup/checkpoint/offline-checkpoint.js';
import {
  type BackupReport,
  type CreateBackupOptions,
  createBackup,
} from '../../../src/backup/create/create-backup.js';
import { LocalEncoder } from '../../../src/backup/create/local-encoder.js';
import type { ObjectStore } from '../../../src/backup/store/object-store.js';
import { asCollectionId, asEpoch, asMillis, asSeqno } from '../../../src/base/brand.js';
import { ManualClock } from '../../../src/base/clock.js';
import { TTL_UNSET } from '../../../src/base/expiry.js';
import { hashKey, shardOfHash } from '../../../src/base/hash.js';
import type { Prng } from '../../../src/base/prng.js';
import { WriteBatchView } from '../../../src/batch/write-batch-view.js';
import { encodeCatalog } from '../../../src/catalog/catalog-file.js';
import { openOfflineShard } from '../../../src/tools/offline-shard.js';
import { shardPlace } from '../../../src/tools/shard-place.js';
import { MemoryVfs } from '../../../src/vfs/memory.js';
import type { Vfs } from '../../../src/vfs/vfs.js';
import { recoverWal } from '../../../src/wal/recovery.js';
import { SegmentPool } from '../../../src/wal/segments.js';
import { WalWriter } from '../../../src/wal/writer.js';
import { encodeBatch, type Operation } from '../../support/batches.js';
import { TestEngine } from '../../support/engines.js';
import { oneIn, pick } from '../../support/random.js';
import { utf8 } from '../../support/text.js';
import { DATA, type Model, NOW_SECONDS, TUNING } from '../../tools/support.js';
import { placeIn } from './database.js';
import { randomOperation, WRITTEN_AT } from './operations.js';
import { StreamBuilder } from './streams.js';

export const INSTANCE = 'instance-of-a-history';
const KEYS = 60;

export interface LoggedBatch {
  readonly shard: number;
  readonly firstSeqno: number;
  readonly operations: readonly Operation[];
  readonly isAtomic: boolean;
  readonly wallClockMs: number;
  readonly payload: Uint8Array;
}

const lastOf = ({ firstSeqno, operations }: LoggedBatch): number => firstSeqno + operations.length - 1;

export class History {
  readonly clock = new ManualClock(1_800_000_000_000);
  readonly batches: LoggedBatch[] = [];
  readonly catalog = encodeCatalog({
    nextId: 4,
    collections: [
      { id: asCollectionId(1), name: 'users', createdAt: '2026-01-01T00:00:00Z', ttlSeconds: TTL_UNSET },
      { id: asCollectionId(2), name: 'orders', createdAt: '2026-01-01T00:00:00Z', ttlSeconds: TTL_UNSET },
    ],
    indexes: [],
  });
  seqno = 0;
  private readonly keys: string[][];

  constructor(
    private readonly prng: Prng,
    readonly shards: number,
    readonly vfs: Vfs = new MemoryVfs({ modelsPowerCuts: false }),
  ) {
    vfs.makeDirectory(DATA);
    vfs.writeFileAtomic(`${DATA}/catalog.json`, this.catalog);
    vfs.writeFileAtomic(`${DATA}/clock.json`, Buffer.from('{"format_version":1,"database_seconds":100}'));
    // Collections hash keys in ways of their own: keys that both have in one shard.
    const all = Array.from({ length: KEYS * shards * shards * 2 }, (_, i) => `k${i}`);
    this.keys = Array.from({ length: shards }, (_, shard) =>
      all.filter((key) => [1, 2].every((id) => this.shardOf(id, key) === shard)).slice(0, KEYS),
    );
  }

  /** Some batches, each of up to a dozen operations; the wall clock goes on between some of them. */
  write(count: number): void {
    const begun = this.batches.length;
    for (let i = 0; i < count; i++) {
      this.clock.advance(pick(this.prng, [0, 0, 1, 5, 1000]));
      const shard = this.prng.nextBelow(this.shards);
      const operations = Array.from({ length: 1 + this.prng.nextBelow(12) }, () =>
        randomOperation(this.prng, pick(this.prng, this.keys[shard]), pick(this.prng, [1, 1, 2]), this.seqno),
      );
      const isAtomic = oneIn(this.prng, 6);
      const payload = encodeBatch(operations, { allOrNothing: isAtomic, writtenAt: WRITTEN_AT });
      const wallClockMs = this.clock.wallMs();
      this.batches.push({ shard, firstSeqno: this.seqno + 1, operations, isAtomic, wallClockMs, payload });
      this.seqno += operations.length;
    }
    for (let shard = 0; shard < this.shards; shard++)
      this.log(
        shard,
        this.batches.slice(begun).filter((each) => each.shard === shard),
      );
  }

  /** Brings the log of a shard into tables. */
  flush(shard: number): void {
    const opened = openOfflineShard({
      place: shardPlace(this.vfs, DATA, shard),
      tuning: TUNING,
      clock: this.clock,
      nowSeconds: 0,
      droppedCollections: [],
      onWalDamage: 'stop',
    });
    opened.flushAll();
    opened.close();
  }

  backUp(
    siblings: ObjectStore,
    name: string,
    changes: Partial<CreateBackupOptions> = {},
  ): Promise<BackupReport> {
    this.clock.advance(1000);
    const { path } = makeOfflineCheckpoint({
      vfs: this.vfs,
      dataDirectory: DATA,
      shards: this.shards,
      instanceId: INSTANCE,
      version: '0.1.0',
      clock: this.clock,
    });
    return createBackup({
      vfs: this.vfs,
      checkpointDirectory: path,
      destination: placeIn(siblings, name),
      type: 'incremental',
      compression: 'lz4',
      encoder: new LocalEncoder(this.vfs),
      clock: this.clock,
      newId: () => randomUUID(),
      version: '0.1.0',
      walStream: null,
      ...changes,
    });
  }

  /** Everything behind `after`, in pieces of random length, with a head. */
  async stream(root: ObjectStore, after = 0): Promise<StreamBuilder> {
    const builder = new StreamBuilder(root.below(INSTANCE));
    await builder.catalog({ seqno: after, number: 1, wallClockMs: 0 }, this.catalog);
    for (let shard = 0; shard < this.shards; shard++) {
      const mine = this.batches.filter((each) => each.shard === shard && each.firstSeqno > after);
      let from = after;
      while (mine.length > 0) {
        const batches = mine.splice(0, 1 + this.prng.nextBelow(20)).map((each) => ({
          ...each,
          operationCount: each.operations.length,
        }));
        const through = mine.length === 0 ? this.seqno : Math.max(...batches.map(lastOf));
        await builder.piece(shard, from, through, batches);
        from = through;
      }
    }
    await builder.head(this.seqno, this.clock.wallMs());
    return builder;
  }

  /** What a database has that ended behind `seqno`: each operation up to it, alone, in memory. */
  at(seqno: number): Model {
    const model: Model = new Map();
    for (let shard = 0; shard < this.shards; shard++) {
      const memory = new TestEngine({ arenaBytes: 4 * 1024 * 1024 });
      for (const batch of this.batches) {
        if (batch.shard !== shard || batch.firstSeqno > seqno) continue;
        if (batch.isAtomic) {
          if (lastOf(batch) > seqno) continue;
          memory.engine.replay(new WriteBatchView().open(batch.payload), asSeqno(batch.firstSeqno));
          continue;
        }
        batch.operations.slice(0, seqno - batch.firstSeqno + 1).forEach((operation, i) => {
          const alone = encodeBatch([operation], { writtenAt: WRITTEN_AT });
          memory.engine.replay(new WriteBatchView().open(alone), asSeqno(batch.firstSeqno + i));
        });
      }
      for (const collection of [1, 2])
        for (const { key, text, expiresAt } of memory.documents(collection))
          if (expiresAt === 0 || expiresAt > NOW_SECONDS) model.set(`${collection}/${key}`, text);
    }
    return model;
  }

  /** The last seqno before everything that was logged after a moment. */
  seqnoAt(timeMs: number): number {
    const later = this.batches.find(({ wallClockMs }) => wallClockMs > timeMs);
    return later === undefined ? this.seqno : later.firstSeqno - 1;
  }

  private shardOf(collection: number, key: string): number {
    const bytes = utf8(key);
    return shardOfHash(hashKey(collection, bytes, 0, bytes.length), this.shards);
  }

  private log(shard: number, batches: readonly LoggedBatch[]): void {
    const { vfs, clock } = this;
    const place = shardPlace(vfs, DATA, shard);
    const directory = place.walDirectory;
    const pool = new SegmentPool({ vfs, directory, segmentBytes: TUNING.walSegmentBytes, sparesMax: 1 });
    pool.prepareDirectory();
    const report = recoverWal({ vfs, directory, shard: place.shard, onDamage: 'stop', onRecord: () => {} });
    const writer = new WalWriter({
      vfs,
      pool,
      clock,
      shard: place.shard,
      epoch: asEpoch(report.lastEpoch + 1),
      continuation: report.continuation,
    });
    for (const { firstSeqno, operations, wallClockMs, payload } of batches) {
      writer.append(payload, {
        firstSeqno: asSeqno(firstSeqno),
        operationCount: operations.length,
        wallClockMs: asMillis(wallClockMs),
      });
      writer.write();
    }
    writer.sync();
    writer.close();
  }
}
