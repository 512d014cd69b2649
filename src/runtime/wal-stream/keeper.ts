/**
 * Streams the log: at each interval all shards agree on a seqno, and what each has appended up to it is copied to the destination
 * ([backup.wal_stream]). Until it has arrived the shards keep it, as far as `lag_max` allows; beyond that the stream has a gap,
 * which is an error in the log and in the metrics, and begins anew behind it. Main thread only; the copying is thread.ts.
 *
 * The catalogs go with it, each with the last seqno that was taken before it came. So a restore knows the collections of any seqno.
 */
import { join } from 'node:path';
import type { Logger } from 'pino';
import { NO_CHAIN } from '../../backup/log-piece/piece-format.js';
import { CatalogRow } from '../../backup/stream/catalog-row.js';
import { encodeStreamHead, type RowEnd } from '../../backup/stream/stream-head.js';
import { catalogName, STREAM_HEAD } from '../../backup/stream/stream-names.js';
import {
  decodeStreamState,
  encodeStreamState,
  STREAM_STATE_FILE,
  type StreamState,
} from '../../backup/stream/stream-state.js';
import type { Clock } from '../../base/clock.js';
import { fromWireError } from '../../base/errors.js';
import type { JobOutcome } from '../../engine/store-scheduler.js';
import type { SeqnoBoard } from '../../shm/seqno-board.js';
import type { Vfs } from '../../vfs/vfs.js';
import type { WalPosition } from '../../wal/commit-log.js';
import type { RetainedOperations } from '../../wal/writer.js';
import { settled } from '../settled.js';
import type { ShardSlot } from '../shard-slot.js';
import type { StreamEnd } from '../shard-storage.js';
import { servingThread, unwrap } from '../storage-tasks.js';
import { ThreadHandle } from '../thread-handle.js';
import { WAL_STREAM_WORKER } from '../worker-paths.js';
import type { LogStart, WalStreamControl, WalStreamThreadData } from './thread.js';

/** A stream at rest says that it is alive so often. */
const HEAD_INTERVAL_MS = 60_000;
const CLOSE_WAIT_MS = 10_000;

export interface WalStreamOptions extends Omit<WalStreamThreadData, 'controlPort'> {
  readonly vfs: Vfs;
  /** Absolute. */
  readonly dataDirectory: string;
  readonly intervalMs: number;
  readonly lagBytesMax: number;
  readonly shardCount: number;
  /** Known once the threads are there. */
  readonly shards: () => readonly ShardSlot[];
  readonly seqnos: () => SeqnoBoard;
  /** catalog.json as it is; undefined when there is none yet. */
  readonly catalog: () => Uint8Array | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** For metrics and reports. */
export interface WalStreamFacts {
  readonly seqno: number;
  /** Age of the oldest write that has not arrived, as far as is known; 0 when all have. */
  readonly lagSeconds: number;
  readonly pieces: number;
  readonly bytes: number;
  readonly failures: number;
  readonly gaps: number;
  /** Why the last attempt failed; null when it did not. */
  readonly error: string | null;
}

/** How far one shard has come. */
interface ShardStream {
  through: number;
  chain: Uint8Array;
  /** Where the log goes on; undefined until it was looked for in this run. */
  position: WalPosition | null | undefined;
  /** The next piece begins a row of its own. */
  isNew: boolean;
}

export class WalStreamKeeper {
  private readonly streams: ShardStream[];
  private seqno: number;
  private readonly catalogs: CatalogRow;
  private thread: ThreadHandle<WalStreamControl> | undefined;
  private timer: NodeJS.Timeout | undefined;
  private ticking: Promise<void> | undefined;
  private isClosed = false;
  /** When everything had arrived that was written before; monotonic. */
  private completeAtMs: number;
  private headAtMs = Number.NEGATIVE_INFINITY;
  private readonly totals = { pieces: 0, bytes: 0, failures: 0, gaps: 0 };
  private error: string | null = null;

  /** Reads how far an earlier run has come. Writes nothing. */
  constructor(private readonly options: WalStreamOptions) {
    const state = this.stored();
    this.seqno = state?.seqno ?? 0;
    this.catalogs = new CatalogRow(state?.catalogs ?? [], this.catalogText());
    this.completeAtMs = options.clock.monotonicMs();
    this.streams = Array.from({ length: options.shardCount }, (_, shard) => {
      const found = state?.shards.find((each) => each.shard === shard);
      return found === undefined
        ? { through: 0, chain: NO_CHAIN, position: undefined, isNew: true }
        : {
            through: found.through,
            chain: Buffer.from(found.chain, 'hex'),
            position: undefined,
            isNew: false,
          };
    });
  }

  /** What a shard must keep of its log from its start on. */
  retained(shard: number): RetainedOperations {
    return { copiedThrough: this.streams[shard].through, bytesMax: this.options.lagBytesMax };
  }

  /** Throws DbError('IO') when it cannot be stored what has come. */
  start(): void {
    const text = this.catalogText();
    if (text !== undefined) this.noteCatalog(text);
    this.options.logger.info(
      { destination: this.options.destination, seqno: this.seqno },
      'WAL stream started',
    );
    this.schedule();
  }

  /** Catalog.json is about to become this: to be called before it does. Throws DbError('IO'), and then it must not. */
  noteCatalog(text: string): void {
    const { clock, seqnos } = this.options;
    // Before the shards are open the last seqno is not known yet: it is not below what has arrived.
    const seqno = Math.max(this.seqno, seqnos().last());
    if (this.catalogs.add(text, seqno, clock.wallMs())) this.save();
  }

  facts(): WalStreamFacts {
    const { clock } = this.options;
    const isComplete = this.error === null && this.seqno >= this.options.seqnos().last();
    const lagSeconds = isComplete ? 0 : (clock.monotonicMs() - this.completeAtMs) / 1000;
    return { seqno: this.seqno, lagSeconds, ...this.totals, error: this.error };
  }

  /** Copies what is there, if the destination can be reached in time, and ends. While the shards still serve. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    this.isClosed = true;
    clearTimeout(this.timer);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_WAIT_MS);
    });
    await Promise.race([(this.ticking ?? Promise.resolve()).then(() => this.tick()), late]);
    clearTimeout(timer);
    await this.thread?.worker.terminate();
  }

  private schedule(): void {
    if (this.isClosed) return;
    this.timer = setTimeout(() => {
      this.ticking = this.tick().finally(() => {
        this.ticking = undefined;
        this.schedule();
      });
    }, this.options.intervalMs);
    this.timer.unref();
  }

  private async tick(): Promise<void> {
    try {
      await this.copy();
      if (this.error !== null) this.options.logger.info('the WAL stream goes on');
      this.error = null;
    } catch (error) {
      const { message } = error as Error;
      this.totals.failures++;
      if (message !== this.error) this.options.logger.error(`the WAL stream has stopped for now: ${message}`);
      this.error = message;
    }
  }

  private async copy(): Promise<void> {
    const { options } = this;
    const { clock } = options;
    const seqnos = options.seqnos();
    const atMs = clock.monotonicMs();
    const takenAtMs = clock.wallMs();
    const seqno = seqnos.last();
    await settled(seqnos, seqno, clock);
    const hasNewCatalog = await this.copyCatalogs();
    const outcomes = await Promise.allSettled(
      this.streams.map((stream, shard) => this.copyShard(shard, stream, seqno)),
    );
    const hasCopied = outcomes.some((outcome) => outcome.status === 'fulfilled' && outcome.value);
    const failure = outcomes.find((outcome) => outcome.status === 'rejected');
    if (failure === undefined) {
      this.seqno = seqno;
      this.completeAtMs = atMs;
    }
    if (hasCopied || hasNewCatalog) this.save();
    if (failure !== undefined) throw failure.reason;
    if (hasCopied || hasNewCatalog || atMs - this.headAtMs >= HEAD_INTERVAL_MS) {
      await this.put(
        STREAM_HEAD,
        Buffer.from(encodeStreamHead({ seqno, takenAtMs, shards: this.rowEnds() })),
        true,
      );
      this.headAtMs = atMs;
    }
  }

  /** True when something was copied. */
  private async copyCatalogs(): Promise<boolean> {
    const { waiting } = this.catalogs;
    for (const catalog of waiting) {
      const { seqno, number, wall_clock_ms: wallClockMs, text } = catalog;
      await this.put(catalogName({ seqno, number, wallClockMs }), Buffer.from(text), false);
      this.catalogs.shipped(catalog);
    }
    return waiting.length > 0;
  }

  /** True when something was copied. */
  private async copyShard(shard: number, stream: ShardStream, seqno: number): Promise<boolean> {
    const { lagBytesMax, shards } = this.options;
    const slot = shards()[shard];
    const shardThread = servingThread(slot);
    if (stream.position === undefined) await this.findPlace(shard, stream, seqno);
    const told = shardThread.control.storage.streamEnd(stream.through);
    const { end, firstSegment } = unwrap(await shardThread.call<JobOutcome<StreamEnd>>(told));
    if (end === null && !stream.isNew) return false;
    const isGone = stream.position != null && (firstSegment ?? 0) > stream.position.segment;
    if (isGone || (stream.position === null && end !== null)) await this.findPlace(shard, stream, seqno);
    const copier = this.copier();
    const { shipped, error } = await copier.call(
      copier.control.ship({
        shard,
        walDirectory: slot.directories.wal,
        after: stream.through,
        through: Math.max(seqno, stream.through),
        from: stream.position ?? null,
        end,
        chain: stream.chain,
      }),
    );
    this.totals.pieces += shipped.pieces;
    this.totals.bytes += shipped.bytes;
    stream.through = shipped.through;
    stream.chain = shipped.chain;
    stream.position = shipped.position;
    if (shipped.pieces > 0) stream.isNew = false;
    await shardThread.call(
      shardThread.control.storage.retainAbove({ copiedThrough: stream.through, bytesMax: lagBytesMax }),
    );
    if (error !== undefined) {
      // Where it is found anew: the segment may have gone while it was read.
      if (error.code === 'NOT_FOUND' || error.code === 'CORRUPT_WAL') stream.position = undefined;
      throw fromWireError(error);
    }
    return shipped.pieces > 0;
  }

  /** Where the log of a shard goes on behind what has arrived. */
  private async findPlace(shard: number, stream: ShardStream, seqno: number): Promise<void> {
    const { directories } = this.options.shards()[shard];
    const copier = this.copier();
    const found = copier.control.startOfLog(directories.wal, shard);
    const start = unwrap(await copier.call<JobOutcome<LogStart | null>>(found));
    if (start === null) {
      // Everything there was is in tables: a new stream begins here.
      if (stream.isNew) stream.through = seqno;
      stream.position = null;
      return;
    }
    if (stream.isNew) stream.through = start.after;
    else if (start.after > stream.through) this.noteGap(shard, stream, start.after);
    stream.position = start.from;
  }

  private noteGap(shard: number, stream: ShardStream, after: number): void {
    const { logger, lagBytesMax } = this.options;
    this.totals.gaps++;
    logger.error(
      { shard, from_seqno: stream.through + 1, to_seqno: after, lag_max: lagBytesMax },
      'the WAL stream has a gap: the log went before it could be copied. No restore can cross it; take a full backup now',
    );
    stream.through = after;
    stream.chain = NO_CHAIN;
    stream.isNew = true;
  }

  private async put(name: string, bytes: Uint8Array, isPlain: boolean): Promise<void> {
    const copier = this.copier();
    const error = await copier.call(copier.control.put(name, bytes, isPlain));
    if (error !== undefined) throw fromWireError(error);
  }

  private copier(): ThreadHandle<WalStreamControl> {
    if (this.thread === undefined) {
      const { destination, s3, instanceId, compression, keyFile } = this.options;
      const data = { destination, s3, instanceId, compression, keyFile };
      const thread = new ThreadHandle<WalStreamControl>({
        script: WAL_STREAM_WORKER,
        name: 'wal-stream',
        data,
      });
      thread.exited.then(() => {
        if (this.thread === thread) this.thread = undefined;
      });
      this.thread = thread;
    }
    return this.thread;
  }

  private save(): void {
    const { vfs, dataDirectory, destination } = this.options;
    const state: StreamState = {
      destination,
      seqno: this.seqno,
      catalogs: [...this.catalogs.entries],
      shards: this.rowEnds(),
    };
    vfs.writeFileAtomic(join(dataDirectory, STREAM_STATE_FILE), Buffer.from(encodeStreamState(state)));
  }

  /** Of the rows that have a piece: what begins anew has nothing to go on from. */
  private rowEnds(): RowEnd[] {
    return this.streams.flatMap(({ through, chain, isNew }, shard) =>
      isNew ? [] : [{ shard, through, chain: Buffer.from(chain).toString('hex') }],
    );
  }

  private catalogText(): string | undefined {
    const bytes = this.options.catalog();
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  }

  private stored(): StreamState | undefined {
    const { vfs, dataDirectory, destination, logger } = this.options;
    const path = join(dataDirectory, STREAM_STATE_FILE);
    if (!vfs.exists(path)) return undefined;
    const state = decodeStreamState(Buffer.from(vfs.readFile(path)).toString());
    if (state === undefined) logger.warn({ file: path }, 'it cannot be read: the WAL stream begins anew');
    return state?.destination === destination ? state : undefined;
  }
}
