/**
 * The checkpoints of a running server: consistent copies of the database at one seqno, made of hard links, for backups
 * (backup/checkpoint/checkpoint-file.ts). Each is lent for a while to whoever asked for it and goes when it is given back or not
 * renewed; a start removes what an earlier run left. Main thread only.
 *
 * All shards link their tables first. Then the seqno is chosen, together with the catalog as it is at that moment: whatever was
 * acknowledged before is at or below it. Once everything up to it has been applied the shards make their logs durable and link
 * those too, so that tables and log of every shard reach the seqno; what was written later lies behind it and is left out.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import {
  CHECKPOINT_FILE,
  CHECKPOINT_FORMAT_VERSION,
  CHECKPOINT_MANIFEST,
  CHECKPOINTS_DIRECTORY,
  type CheckpointShard,
  COPIED_FILES,
  encodeCheckpoint,
  newCheckpointId,
} from '../backup/checkpoint/checkpoint-file.js';
import { writeNew } from '../backup/checkpoint/link-files.js';
import type { Clock } from '../base/clock.js';
import { DbError, fromWireError, toWireError } from '../base/errors.js';
import type { JobOutcome } from '../engine/store-scheduler.js';
import { CURRENT, encodeCurrent, manifestName } from '../manifest/manifest-names.js';
import type { SeqnoBoard } from '../shm/seqno-board.js';
import { shardPlaces } from '../tools/shard-place.js';
import { RealVfs } from '../vfs/real.js';
import { removeTree } from './data-directory.js';
import { settled } from './settled.js';
import type { CheckpointedTables } from './shard-checkpoint.js';
import type { ShardSlot } from './shard-slot.js';
import { servingThread } from './storage-tasks.js';

const CHECKPOINTS_MAX = 4;

export interface CheckpointKeeperOptions {
  /** Absolute. */
  readonly dataDirectory: string;
  readonly instanceId: string;
  readonly version: string;
  /** Known once there are threads. */
  readonly shards: () => readonly ShardSlot[];
  readonly seqnos: () => SeqnoBoard;
  /** catalog.json as it would be written now. */
  readonly catalog: () => Uint8Array;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Throws the DbError for which no checkpoint can be made now. */
  readonly requireServing: () => void;
}

/** As the API shows it. */
export interface CheckpointReport {
  readonly id: string;
  /** Absolute. */
  readonly path: string;
  readonly seqno: number;
  readonly taken_at: string;
  readonly expires_at: string;
}

interface Lent {
  readonly report: Omit<CheckpointReport, 'expires_at'>;
  readonly leaseMs: number;
  expiresAtMs: number;
  timer: NodeJS.Timeout;
}

export class CheckpointKeeper {
  private readonly lent = new Map<string, Lent>();
  private making = 0;
  private last: Promise<void> = Promise.resolve();
  private readonly vfs = new RealVfs();

  constructor(private readonly options: CheckpointKeeperOptions) {}

  /** Removes what an earlier run left behind. Call before the first one is made. */
  start(): void {
    removeTree(this.root);
  }

  list(): CheckpointReport[] {
    return [...this.lent.values()].map(shown);
  }

  /** `leaseMs`: how long it stays unless it is renewed. Throws DbError. */
  async create(leaseMs: number): Promise<CheckpointReport> {
    this.options.requireServing();
    if (this.lent.size + this.making >= CHECKPOINTS_MAX) {
      throw new DbError(
        'CONFLICT',
        `there are ${CHECKPOINTS_MAX} checkpoints already (GET /admin/checkpoints)`,
        {
          limit: CHECKPOINTS_MAX,
        },
      );
    }
    this.making++;
    // One after the other: a shard takes part in one at a time.
    const made = this.last.then(() => this.make(leaseMs));
    this.last = made.then(
      () => {},
      () => {},
    );
    try {
      return await made;
    } finally {
      this.making--;
    }
  }

  renew(id: string): CheckpointReport {
    const lent = this.existing(id);
    this.extend(lent);
    return shown(lent);
  }

  remove(id: string): CheckpointReport {
    const lent = this.existing(id);
    this.lent.delete(id);
    clearTimeout(lent.timer);
    removeTree(lent.report.path);
    return shown(lent);
  }

  /** They go with the server. */
  close(): void {
    for (const { timer } of this.lent.values()) clearTimeout(timer);
    this.lent.clear();
    removeTree(this.root);
  }

  private get root(): string {
    return join(this.options.dataDirectory, CHECKPOINTS_DIRECTORY);
  }

  private async make(leaseMs: number): Promise<CheckpointReport> {
    const { clock, logger } = this.options;
    const startMs = clock.monotonicMs();
    const id = newCheckpointId(clock.wallMs());
    const path = join(this.root, id);
    try {
      const { seqno, takenAt } = await this.fill(path, id);
      const report = { id, path, seqno, taken_at: takenAt };
      const lent: Lent = { report, leaseMs, expiresAtMs: 0, timer: setTimeout(() => {}, 0) };
      this.extend(lent);
      this.lent.set(id, lent);
      logger.info(
        { checkpoint: id, seqno, ms: Math.round(clock.monotonicMs() - startMs) },
        'checkpoint made',
      );
      return shown(lent);
    } catch (error) {
      await Promise.all(this.options.shards().map((slot) => endOn(slot)));
      removeTree(path);
      throw error;
    }
  }

  private async fill(path: string, id: string): Promise<{ seqno: number; takenAt: string }> {
    const { options, vfs } = this;
    const { clock } = options;
    const [shards, seqnos] = [options.shards(), options.seqnos()];
    const places = shardPlaces(vfs, path, shards.length);
    for (const { tableDirectory, walDirectory } of places) {
      vfs.makeDirectory(tableDirectory);
      vfs.makeDirectory(walDirectory);
    }
    const tables = await onAll(shards, (slot) => linkTables(slot, path));
    // Both at once: a collection that exists for a write up to this seqno is in this catalog, and none that was dropped before.
    const seqno = seqnos.last();
    const catalog = options.catalog();
    const takenAt = new Date(clock.wallMs()).toISOString();
    await settled(seqnos, seqno, clock);
    const logs = await onAll(shards, (slot) => linkLog(slot, path));
    for (const [index, { tableDirectory }] of places.entries()) {
      writeNew(vfs, join(tableDirectory, manifestName(CHECKPOINT_MANIFEST)), tables[index].manifest);
      writeNew(vfs, join(tableDirectory, CURRENT), encodeCurrent(CHECKPOINT_MANIFEST));
    }
    writeNew(vfs, join(path, 'catalog.json'), catalog);
    for (const name of COPIED_FILES) {
      const source = join(options.dataDirectory, name);
      if (vfs.exists(source)) writeNew(vfs, join(path, name), vfs.readFile(source));
    }
    const text = encodeCheckpoint({
      format_version: CHECKPOINT_FORMAT_VERSION,
      id,
      instance_id: options.instanceId,
      lumadb_version: options.version,
      taken_at: takenAt,
      seqno,
      database_seconds: Math.max(...tables.map(({ databaseSeconds }) => databaseSeconds)),
      shards: tables.map(({ flushedSeqno, tables: names }, shard) => ({
        shard,
        flushed_seqno: flushedSeqno,
        tables: [...names],
        log: logs[shard],
      })),
    });
    writeNew(vfs, join(path, CHECKPOINT_FILE), Buffer.from(text));
    return { seqno, takenAt };
  }

  private extend(lent: Lent): void {
    const { id } = lent.report;
    clearTimeout(lent.timer);
    lent.expiresAtMs = this.options.clock.wallMs() + lent.leaseMs;
    lent.timer = setTimeout(() => this.expire(id), lent.leaseMs);
    lent.timer.unref();
  }

  private expire(id: string): void {
    const { logger } = this.options;
    logger.warn({ checkpoint: id }, 'a checkpoint was not renewed and is removed');
    try {
      this.remove(id);
    } catch (error) {
      logger.error({ checkpoint: id }, `a checkpoint could not be removed: ${(error as Error).message}`);
    }
  }

  private existing(id: string): Lent {
    const lent = this.lent.get(id);
    if (lent === undefined)
      throw new DbError('NOT_FOUND', `there is no checkpoint ${JSON.stringify(id)}, or it has expired`);
    return lent;
  }
}

function shown({ report, expiresAtMs }: Lent): CheckpointReport {
  return { ...report, expires_at: new Date(expiresAtMs).toISOString() };
}

/** Asks all at once; throws for the first that fails once all have answered, naming it. */
async function onAll<Result>(
  shards: readonly ShardSlot[],
  work: (slot: ShardSlot) => Promise<JobOutcome<Result>>,
): Promise<Result[]> {
  const outcomes = await Promise.all(
    shards.map(async (slot) => {
      try {
        return await work(slot);
      } catch (error) {
        return { error: toWireError(error) };
      }
    }),
  );
  return outcomes.map((outcome, shard) => {
    if (outcome.error === undefined) return outcome.result;
    const { message, details } = fromWireError(outcome.error);
    throw new DbError(outcome.error.code, `shard ${shard}: ${message}`, details);
  });
}

async function linkTables(slot: ShardSlot, path: string): Promise<JobOutcome<CheckpointedTables>> {
  const thread = servingThread(slot);
  return thread.call<JobOutcome<CheckpointedTables>>(thread.control.storage.linkTables(path));
}

async function linkLog(slot: ShardSlot, path: string): Promise<JobOutcome<CheckpointShard['log']>> {
  const thread = servingThread(slot);
  return thread.call<JobOutcome<CheckpointShard['log']>>(thread.control.storage.linkLog(path));
}

/** A shard that does not serve holds nothing. */
async function endOn(slot: ShardSlot): Promise<void> {
  try {
    const thread = servingThread(slot);
    await thread.call(thread.control.storage.endCheckpoint());
  } catch {
    // Its hold ends with its thread.
  }
}
