/**
 * Makes a backup of a checkpoint: copies what its parent lacks into objects, several at a time, and says last what it consists of.
 * Without its end there is no backup, and another run goes on where this one was interrupted. It knows no server: whoever calls it
 * keeps the checkpoint alive. One thread; the work on bytes is the encoder's.
 */
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import type { CodecName } from '../../sst/codec.js';
import { shardPlace } from '../../tools/shard-place.js';
import type { Vfs } from '../../vfs/vfs.js';
import {
  type BackedUpFile,
  type BackedUpPiece,
  encodeManifest,
  isBackupName,
} from '../manifest/backup-manifest.js';
import type { BackupPlace, Chain } from '../manifest/chain.js';
import {
  CATALOG_FILE,
  type CheckpointContents,
  explainMissing,
  readCheckpoint,
} from './checkpoint-contents.js';
import { findParent, namedParent } from './choose-parent.js';
import { Destination } from './destination.js';
import type { EncodedFacts, Encoder, EncodeSource } from './encode-job.js';
import { inLanes } from './lanes.js';
import { keyIdText } from './partial-backup.js';
import { fileObject, logObject, planPiece, planTables, tableObject } from './plan.js';

export interface CreateBackupOptions {
  readonly vfs: Vfs;
  /** Absolute. */
  readonly checkpointDirectory: string;
  readonly destination: BackupPlace;
  readonly type: 'full' | 'incremental';
  /** The backup to build upon, which must do then; absent: the newest that does, or none. */
  readonly parent?: string;
  readonly compression: CodecName;
  /** 32 bytes. */
  readonly key?: Uint8Array;
  /** Only some collections; absent: all. */
  readonly selection?: CollectionSelection;
  readonly encoder: Encoder;
  readonly clock: Clock;
  readonly signal?: AbortSignal;
  /** Raw bytes. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
  /** Makes ids: UUIDs. */
  readonly newId: () => string;
  readonly version: string;
  /** Where the log is streamed to; null: nowhere. */
  readonly walStream: string | null;
}

export interface CollectionSelection {
  readonly names: readonly string[];
  /** Their numbers and those of their indexes, and catalog.json with nothing else in it. Throws for a name that is not there. */
  readonly select: (catalog: Uint8Array) => {
    readonly numbers: readonly number[];
    readonly catalog: Uint8Array;
  };
}

export interface BackupReport {
  readonly id: string;
  readonly name: string;
  readonly type: 'full' | 'incremental';
  readonly parent: string | null;
  /** Why it is a full one although an incremental one was asked for; else null. */
  readonly fullBecause: string | null;
  readonly seqno: number;
  readonly takenAt: string;
  readonly filesCopied: number;
  /** Held by the chain. */
  readonly filesReused: number;
  /** Copied by the interrupted run that this one went on with. */
  readonly filesResumed: number;
  /** Of everything that this run read. */
  readonly rawBytes: number;
  /** Of the objects that this backup holds. */
  readonly storedBytes: number;
  /** Of the database as it is in the backup. */
  readonly databaseBytes: number;
  readonly seconds: number;
}

/**
 * Throws DbError: CONFLICT (the destination is taken, or the named parent does not do), NOT_FOUND (the checkpoint is gone),
 * CORRUPT_* (the database is damaged: what is damaged is never backed up as good), IO and what the store throws; and the reason of
 * the signal. The destination then holds no backup.
 */
export async function createBackup(options: CreateBackupOptions): Promise<BackupReport> {
  const { vfs, checkpointDirectory, destination } = options;
  if (!isBackupName(destination.name))
    throw new DbError('VALIDATION', `${JSON.stringify(destination.name)} cannot be the name of a backup`, {
      name: destination.name,
    });
  const startMs = options.clock.monotonicMs();
  try {
    const contents = selected(readCheckpoint(vfs, checkpointDirectory), options.selection);
    const run = await BackupRun.begin(options, contents);
    const report = await run.finish();
    return { ...report, seconds: (options.clock.monotonicMs() - startMs) / 1000 };
  } catch (error) {
    throw explainMissing(vfs, checkpointDirectory, error);
  }
}

function selected(
  contents: CheckpointContents,
  selection: CollectionSelection | undefined,
): CheckpointContents {
  if (selection === undefined) return contents;
  const catalog = contents.others.find(({ path }) => path === CATALOG_FILE)?.bytes ?? new Uint8Array(0);
  const { numbers, catalog: filtered } = selection.select(catalog);
  const wanted = new Set(numbers);
  return {
    ...contents,
    tables: contents.tables.filter(({ info }) =>
      info.collections.some(({ collection }) => wanted.has(collection)),
    ),
    others: contents.others.map((file) => (file.path === CATALOG_FILE ? { ...file, bytes: filtered } : file)),
  };
}

interface ParentFound {
  readonly chain: Chain | undefined;
  readonly reason: string | null;
}

/** An object to be made, and what becomes of it. */
interface CopyItem {
  readonly source: EncodeSource;
  readonly object: string;
  readonly bytes: number;
  readonly done: (facts: EncodedFacts, objectBytes: number) => void | Promise<void>;
}

class BackupRun {
  private readonly files: BackedUpFile[] = [];
  private readonly log: BackedUpPiece[] = [];
  private filesCopied = 0;
  private filesResumed = 0;
  private rawBytes = 0;
  private bytesDone = 0;

  private constructor(
    private readonly options: CreateBackupOptions,
    private readonly contents: CheckpointContents,
    private readonly parent: ParentFound,
    private readonly destination: Destination,
    private readonly id: string,
  ) {}

  static async begin(options: CreateBackupOptions, contents: CheckpointContents): Promise<BackupRun> {
    const { destination, compression, key, clock, newId, signal } = options;
    const instanceId = contents.checkpoint.instance_id;
    const { store } = destination;
    const id = newId();
    // First of all: to look for a parent may take long.
    await Destination.requireFree(store);
    const parent = await parentOf(options, contents);
    signal?.throwIfAborted();
    const opened = await Destination.open({ store, clock, run: id, instanceId, compression, key });
    return new BackupRun(options, contents, parent, opened, id);
  }

  async finish(): Promise<Omit<BackupReport, 'seconds'>> {
    const { options, destination, parent, contents } = this;
    const items = this.items();
    const total = items.reduce((sum, { bytes }) => sum + bytes, 0);
    options.onProgress?.(0, total);
    try {
      await inLanes(items, options.encoder.lanes, options.signal, (item, signal) =>
        this.copy(item, total, signal),
      );
    } catch (error) {
      // Whatever could not be written down is copied once more by the next run: the first failure is the one to tell.
      await destination.save().catch(() => {});
      throw error;
    }
    const { checkpoint } = contents;
    const { text, named, storedBytes } = this.manifest();
    await destination.finish(text, named);
    return {
      id: this.id,
      name: options.destination.name,
      type: parent.chain === undefined ? 'full' : 'incremental',
      parent: parent.chain?.[0].name ?? null,
      fullBecause: parent.reason,
      seqno: checkpoint.seqno,
      takenAt: checkpoint.taken_at,
      filesCopied: this.filesCopied,
      filesReused: this.files.filter((file) => file.in !== undefined).length,
      filesResumed: this.filesResumed,
      rawBytes: this.rawBytes,
      storedBytes,
      databaseBytes: this.files.reduce((sum, { size_bytes }) => sum + size_bytes, 0),
    };
  }

  /** Large ones first: at the end no lane is alone with one. */
  private items(): CopyItem[] {
    const { reused, missing } = planTables(this.contents.tables, this.parent.chain);
    this.files.push(...reused);
    const tables: CopyItem[] = [];
    for (const table of missing) {
      const { path, sizeBytes, modifiedMs, file } = table;
      const resumed = this.destination.resumable(path, sizeBytes, modifiedMs);
      if (resumed !== undefined) {
        this.filesResumed++;
        this.files.push(resumed);
        continue;
      }
      const object = tableObject(path, this.options.compression);
      tables.push({
        source: { kind: 'file', path: file, sizeBytes },
        object,
        bytes: sizeBytes,
        done: ({ sha256 }, object_bytes) => {
          const copied = {
            path,
            size_bytes: sizeBytes,
            sha256,
            modified_ms: modifiedMs,
            object,
            object_bytes,
          };
          this.files.push(copied);
          return this.destination.note(copied);
        },
      });
    }
    tables.sort((a, b) => b.bytes - a.bytes);
    return [...tables, ...this.logItems(), ...this.otherItems()];
  }

  private logItems(): CopyItem[] {
    const { vfs } = this.options;
    const { checkpoint, directory } = this.contents;
    return checkpoint.shards.map((state) => {
      const { shard, log } = state;
      const { after, previousChain } = planPiece(state, this.parent.chain);
      const through = checkpoint.seqno;
      const object = logObject(shard);
      return {
        source: {
          kind: 'log',
          shard,
          directory: shardPlace(vfs, directory, shard).walDirectory,
          range: log,
          after,
          through,
          previousChain: Buffer.from(previousChain, 'hex'),
        },
        object,
        // What is in front of `after` in the segments is not copied: nobody knows how much that is.
        bytes: 0,
        done: ({ piece }, object_bytes) => {
          if (piece === undefined) return;
          const { records, lastWallClockMs: last_wall_clock_ms, chain } = piece;
          const facts = { shard, after, through, records, last_wall_clock_ms, chain };
          this.log.push({ ...facts, previous_chain: previousChain, object, object_bytes });
        },
      };
    });
  }

  private otherItems(): CopyItem[] {
    return this.contents.others.map((file) => {
      const { path, bytes } = file;
      const object = fileObject(file);
      return {
        source: { kind: 'bytes', bytes },
        object,
        bytes: bytes.length,
        done: ({ sha256 }, object_bytes) => {
          this.files.push({ path, size_bytes: bytes.length, sha256, modified_ms: 0, object, object_bytes });
        },
      };
    });
  }

  private async copy(item: CopyItem, total: number, signal: AbortSignal): Promise<void> {
    const { encoder, compression, key, destination, onProgress } = this.options;
    const encoding = encoder.encode({ source: item.source, compression, key }, (bytes) => {
      this.rawBytes += bytes;
      if (item.bytes > 0) this.bytesDone += bytes;
      onProgress?.(this.bytesDone, total);
    });
    const { sizeBytes } = await destination.store.put(item.object, encoding.chunks, { signal });
    this.filesCopied++;
    await item.done(encoding.facts(), sizeBytes);
  }

  private manifest(): { text: string; named: Set<string>; storedBytes: number } {
    const { options, contents, parent, files, log } = this;
    const { checkpoint } = contents;
    const above = parent.chain?.[0];
    const { text } = encodeManifest(
      {
        format_version: 1,
        id: this.id,
        name: options.destination.name,
        type: above === undefined ? 'full' : 'incremental',
        lumadb_version: options.version,
        instance_id: checkpoint.instance_id,
        shards: checkpoint.shards.length,
        seqno: checkpoint.seqno,
        taken_at: checkpoint.taken_at,
        finished_at: new Date(options.clock.wallMs()).toISOString(),
        database_seconds: checkpoint.database_seconds,
        collections: options.selection === undefined ? null : [...options.selection.names],
        compression: options.compression,
        encryption: encryptionOf(options.key),
        wal_stream: options.walStream,
        parent:
          above === undefined
            ? null
            : { name: above.name, id: above.manifest.id, digest: above.manifest.digest },
        files: files.sort((a, b) => (a.path < b.path ? -1 : 1)),
        log: log.sort((a, b) => a.shard - b.shard),
        shard_states: checkpoint.shards.map(({ shard, flushed_seqno }) => ({ shard, flushed_seqno })),
      },
      options.key,
    );
    const own = [...files.filter((file) => file.in === undefined), ...log];
    return {
      text,
      named: new Set(own.map(({ object }) => object)),
      storedBytes: own.reduce((sum, { object_bytes }) => sum + object_bytes, 0),
    };
  }
}

function encryptionOf(key: Uint8Array | undefined): { cipher: 'aes-256-gcm'; key_id: string } | null {
  const id = keyIdText(key);
  return id === null ? null : { cipher: 'aes-256-gcm', key_id: id };
}

async function parentOf(options: CreateBackupOptions, contents: CheckpointContents): Promise<ParentFound> {
  if (options.type === 'full') return { chain: undefined, reason: null };
  const { vfs, destination, key, selection, clock, parent } = options;
  const { siblings, name } = destination;
  const search = { vfs, contents, siblings, name, key, collections: selection?.names ?? null, clock };
  if (parent !== undefined) return { chain: await namedParent(search, parent), reason: null };
  return findParent(search);
}
