/** A database without a server for the tests of tools: shards on any Vfs, a model beside them, and ways to damage files. */
import { ManualClock } from '../../src/base/clock.js';
import { hashKey, shardOfHash } from '../../src/base/hash.js';
import type { Prng } from '../../src/base/prng.js';
import { keyRange } from '../../src/iter/key-range.js';
import { MergingCursor } from '../../src/iter/merging-cursor.js';
import { STEP_DOCUMENT, VisibleCursor } from '../../src/iter/visible-cursor.js';
import { openReader } from '../../src/tools/check-table.js';
import type { KnownCollections } from '../../src/tools/collections.js';
import { droppedCollections } from '../../src/tools/collections.js';
import type { Finding } from '../../src/tools/findings.js';
import { type FsckReport, fsck } from '../../src/tools/fsck.js';
import {
  type OfflineShard,
  type OfflineShardOptions,
  type OfflineTuning,
  openOfflineShard,
} from '../../src/tools/offline-shard.js';
import { type RepairReport, repair } from '../../src/tools/repair.js';
import { shardPlace } from '../../src/tools/shard-place.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { batchOf, type Operation, put, remove } from '../support/batches.js';
import { AnswerBook } from '../support/engines.js';
import { SMALL_TABLES } from '../support/lsm-shard.js';
import { oneIn, pick } from '../support/random.js';
import { textOf } from '../support/text.js';
import { PICKER_OPTIONS } from '../support/versions.js';

export const DATA = '/data';
export const NOW_SECONDS = 5000;
/** Collection 3 was dropped. */
export const COLLECTIONS: KnownCollections = {
  names: new Map([
    [1, 'users'],
    [2, 'orders'],
  ]),
  nextId: 4,
};
export const TUNING: OfflineTuning = {
  tables: SMALL_TABLES,
  picker: { ...PICKER_OPTIONS, levelBaseBytes: 12 * 1024, levelMultiplier: 3, maxJobBytes: 48 * 1024 },
  limits: { levelZeroSlowdown: 8, levelZeroStop: 12, memtablesMax: 4 },
  memtableBytes: 64 * 1024,
  walSegmentBytes: 64 * 1024,
};
export const KEY_PREFIX = 'key:';

export const documentOf = (key: string, filler: string): string => JSON.stringify({ _id: key, filler });

/** What a collection holds, key → text. */
export type Model = Map<string, string>;

export class TestDatabase {
  /** By `collection/key`. */
  readonly model: Model = new Map();
  readonly clock = new ManualClock();
  private readonly open: OfflineShard[] = [];
  private readonly answers = new AnswerBook();

  constructor(
    readonly vfs: Vfs,
    readonly shards: number,
    readonly dataDirectory = DATA,
    private readonly options: Partial<OfflineShardOptions> = {},
  ) {
    vfs.makeDirectory(dataDirectory);
    this.reopen();
  }

  put(key: string, filler: string, collection = 1, expiresAt = 0): void {
    const text = documentOf(key, filler);
    this.apply(put(key, text, { collection, expiresAt }));
    this.model.set(`${collection}/${key}`, text);
  }

  remove(key: string, collection = 1): void {
    this.apply(remove(key, { collection }));
    this.model.delete(`${collection}/${key}`);
  }

  /** Text that never passed the front. The model does not know of it. */
  writeRaw(key: string, text: string, collection = 1): void {
    this.apply(put(key, text, { collection }));
  }

  /** Random puts, replacements and deletions in collections 1 and 2. */
  scribble(prng: Prng, operations: number): void {
    for (let i = 0; i < operations; i++) {
      const key = `${KEY_PREFIX}${String(prng.nextBelow(400)).padStart(4, '0')}`;
      const collection = pick(prng, [1, 1, 1, 2]);
      if (oneIn(prng, 4)) this.remove(key, collection);
      else this.put(key, 'x'.repeat(prng.nextBelow(120)) + i, collection);
    }
  }

  flush(): void {
    for (const shard of this.open) shard.flushAll();
  }

  /** Carries out the compactions that are due. */
  compact(): void {
    for (const shard of this.open) shard.scheduler.resume();
  }

  shard(index: number): OfflineShard {
    return this.open[index];
  }

  close(): void {
    for (const shard of this.open.splice(0)) shard.close();
  }

  reopen(): void {
    this.close();
    for (let shard = 0; shard < this.shards; shard++) {
      this.open.push(
        openOfflineShard({
          place: shardPlace(this.vfs, this.dataDirectory, shard),
          tuning: TUNING,
          clock: this.clock,
          nowSeconds: NOW_SECONDS,
          droppedCollections: droppedCollections(COLLECTIONS),
          onWalDamage: 'stop',
          ...this.options,
        }),
      );
    }
  }

  /** One operation, in a batch of its own. The model does not know of it. */
  apply(operation: Operation): void {
    const { collection, key } = operation;
    const shard = shardOfHash(hashKey(collection, key, 0, key.length), this.shards);
    const { engine, scheduler } = this.open[shard];
    const stage = (): unknown => engine.stage(batchOf([operation], { writtenAt: NOW_SECONDS }), this.answers);
    let result = stage();
    if (result !== 'staged') {
      while (scheduler.flushNow());
      result = stage();
    }
    if (result !== 'staged') throw result;
    engine.commit();
  }
}

/** Two flushed runs, compacted ones below them, and an unflushed log; closed. */
export function builtDatabase(vfs: Vfs, prng: Prng, shards = 1): TestDatabase {
  const database = new TestDatabase(vfs, shards);
  for (let round = 0; round < 6; round++) {
    database.scribble(prng, 250);
    database.flush();
    if (round === 3) database.compact();
  }
  database.scribble(prng, 60);
  database.close();
  return database;
}

export function check(
  vfs: Vfs,
  shards: number,
  extras: Partial<Parameters<typeof fsck>[0]> = {},
): FsckReport {
  return fsck({
    vfs,
    dataDirectory: DATA,
    shards,
    collections: COLLECTIONS,
    isLive: false,
    clock: new ManualClock(),
    ...extras,
  });
}

export function mend(
  vfs: Vfs,
  shards: number,
  extras: Partial<Parameters<typeof repair>[0]> = {},
): RepairReport {
  return repair({
    vfs,
    dataDirectory: DATA,
    shards,
    collections: COLLECTIONS,
    fix: true,
    tuning: TUNING,
    clock: new ManualClock(),
    nowSeconds: NOW_SECONDS,
    ...extras,
  });
}

/** `file@offset reason` with the directory left out. */
export const lineOf = ({ severity, file, offset, reason }: Finding): string =>
  `${severity} ${file.replace(`${DATA}/`, '')}@${offset ?? '-'} ${reason}`;

export const linesOf = ({ findings }: FsckReport): string[] => findings.map(lineOf);

/** All documents that a reader sees once the log is replayed, `collection/key` → text. */
export function documentsOf(vfs: Vfs, shards: number, dataDirectory = DATA): Model {
  const found: Model = new Map();
  for (let index = 0; index < shards; index++) {
    const place = shardPlace(vfs, dataDirectory, index);
    const shard = openOfflineShard({
      place,
      tuning: TUNING,
      clock: new ManualClock(),
      nowSeconds: NOW_SECONDS,
      droppedCollections: [],
      onWalDamage: 'stop',
    });
    shard.flushAll();
    const readers = shard.store.version.tables().map(({ fileNumber }) => openReader(place, fileNumber));
    if (readers.length > 0) {
      for (const collection of [1, 2]) {
        const cursors = readers.map((reader) => reader.cursor({ fillCache: false }));
        const visible = new VisibleCursor(
          new MergingCursor(cursors),
          keyRange({ collection }),
          Number.MAX_SAFE_INTEGER,
          NOW_SECONDS,
        );
        while (visible.next() === STEP_DOCUMENT) {
          const { key, keyOffset, keyLength, value, valueOffset, valueLength } = visible.entry;
          const name = `${collection}/${textOf(key, keyOffset, keyLength)}`;
          found.set(name, textOf(value, valueOffset, valueLength));
        }
        visible.close();
      }
    }
    for (const reader of readers) reader.close();
    shard.close();
  }
  return found;
}

/** Flips one bit of a file. */
export function flip(vfs: Vfs, path: string, offset: number, bit = 1): void {
  const bytes = vfs.readFile(path).slice();
  bytes[offset] ^= bit;
  vfs.writeFileAtomic(path, bytes);
}

export function cut(vfs: Vfs, path: string, size: number): void {
  vfs.writeFileAtomic(path, vfs.readFile(path).slice(0, size));
}

/** Every file below a directory and its bytes, for comparison. */
export function snapshotOf(vfs: Vfs, directory: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const name of vfs.list(directory)) {
    const path = `${directory}/${name}`;
    let bytes: Uint8Array;
    try {
      bytes = vfs.readFile(path);
    } catch {
      for (const [inner, content] of snapshotOf(vfs, path)) files.set(inner, content);
      continue;
    }
    files.set(path, Buffer.from(bytes).toString('base64'));
  }
  return files;
}

/** Where two states of the documents differ, one line each; empty when they are the same. */
export function differences(found: Model, wanted: Model): string[] {
  const names = [...new Set([...found.keys(), ...wanted.keys()])].sort();
  return names
    .filter((name) => found.get(name) !== wanted.get(name))
    .map((name) => `${name}: ${found.get(name)}, not ${wanted.get(name)}`);
}

/** Runs `work` on a file system that loses power at its changing operation `step`. False when it never came to that. */
export function losesPower(vfs: Vfs, step: number, work: (vfs: Vfs) => void): boolean {
  let isOff = false;
  const faulty = new FaultVfs(vfs, ({ mutation, isMutation }) => {
    if (!isOff && !(isMutation && mutation >= step)) return undefined;
    isOff = true;
    throw new Error('power cut');
  });
  try {
    work(faulty);
  } catch (error) {
    if (!isOff) throw error;
  }
  return isOff;
}
