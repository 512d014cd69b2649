/**
 * The supervisor: starts the threads, connects every front with every shard, notices at once when one dies, tells the
 * others, and starts it again through recovery. Main thread only.
 *
 * A dead shard's memtables, rings and doorbell are never reused: the new incarnation gets fresh ones and the fronts are
 * given new links, so nobody has to reason about what a dying thread left half done.
 */
import type { SecuritySnapshot } from '../auth/authenticator.js';
import { systemClock } from '../base/clock.js';
import { DbError, fromWireError, toWireError, type WireError } from '../base/errors.js';
import { type BlockCacheBuffers, createSharedBlockCache } from '../cache/block-cache-format.js';
import { releaseLocksOf } from '../cache/shared-block-cache.js';
import type { CollectionInfo } from '../front/control-plane.js';
import { closeLink, createLink } from '../ipc/link.js';
import { createDoorbell } from '../shm/doorbell.js';
import { createSeqnoBoard, SeqnoBoard } from '../shm/seqno-board.js';
import {
  createStatsBlock,
  SHARD_CELLS,
  SHARD_RECOVERY_BYTES_DONE,
  SHARD_RECOVERY_BYTES_TOTAL,
} from '../shm/stats-format.js';
import { NO_STATISTICS, type StatisticsSnapshot } from '../sql/plan/statistics-snapshot.js';
import { closeThread } from './close-thread.js';
import { CompactorKeeper } from './compactor-keeper.js';
import { frontSettings } from './front-settings.js';
import { FrontSlot } from './front-slot.js';
import type { FrontControl } from './front-thread.js';
import type { MemoryPlan } from './memory-plan.js';
import { logOpenedShard } from './recovery-log.js';
import { RECOVERY_MEMTABLES } from './recovery-mode.js';
import { shardDirectories } from './shard-directories.js';
import { createShardReadBuffers } from './shard-read-buffers.js';
import { type ShardIncarnation, ShardSlot } from './shard-slot.js';
import type { ShardControl } from './shard-thread.js';
import { ThreadFactory, type ThreadFactoryOptions } from './thread-factory.js';
import type { ThreadHandle } from './thread-handle.js';
import { WAL_SPARES_MAX } from './wal-spares.js';

const RESTART_DELAY_MS_MIN = 50;
const RESTART_DELAY_MS_MAX = 10_000;
/** A thread that has served this long is healthy again: its next restart is quick. */
const HEALTHY_AFTER_MS = 60_000;
const PROGRESS_INTERVAL_MS = 1000;
const DRAIN_POLL_MS = 10;
/** Memtables that only replay may use; see MemtablePool.rotate. */
const RESERVE_MEMTABLES = 1;

export interface SupervisorOptions extends Omit<ThreadFactoryOptions, 'rowCacheBytesPerFront'> {
  readonly dataDirectory: string;
  readonly shards: number;
  readonly memory: Pick<MemoryPlan, 'blockCacheBytes' | 'rowCacheBytesPerFront'>;
  readonly collections: () => readonly CollectionInfo[];
}

export class Supervisor {
  readonly shards: readonly ShardSlot[];
  readonly fronts: readonly FrontSlot[];
  readonly seqnos: SharedArrayBuffer;
  private readonly seqnoBoard: SeqnoBoard;
  readonly blockCache: BlockCacheBuffers;
  private readonly threads: ThreadFactory;
  private statistics: StatisticsSnapshot = NO_STATISTICS;
  private isStopping = false;
  private isFlushedAtEnd = true;
  private drainDeadlineMs = 0;
  private address: { host: string; port: number } | undefined;

  constructor(private readonly options: SupervisorOptions) {
    const { dataDirectory, config } = options;
    this.seqnos = createSeqnoBoard(options.shards);
    this.seqnoBoard = new SeqnoBoard(this.seqnos);
    this.blockCache = createSharedBlockCache(options.memory.blockCacheBytes);
    const { rowCacheBytesPerFront } = options.memory;
    const shared = { seqnos: this.seqnos, blockCache: this.blockCache };
    this.threads = new ThreadFactory({ ...options, rowCacheBytesPerFront }, shared);
    this.shards = Array.from({ length: options.shards }, (_, shard) => {
      const directories = shardDirectories(dataDirectory, shard);
      const compactor = new CompactorKeeper(
        shard,
        {
          walDirectory: directories.wal,
          segmentBytes: config.wal.segment_size,
          sparesMax: WAL_SPARES_MAX,
          rateLimitBytes: () => config.compaction.rate_limit,
        },
        options.logger,
      );
      return new ShardSlot(shard, directories, createStatsBlock(SHARD_CELLS), compactor);
    });
    this.fronts = Array.from({ length: config.server.front_threads }, (_, front) => new FrontSlot(front));
  }

  /** Starts the fronts and listens: from here on health checks are answered, everything else says "recovering". */
  async startFronts(): Promise<{ host: string; port: number }> {
    const { host } = this.options.config.server;
    for (const front of this.fronts) {
      this.address = {
        host,
        port: await this.startFront(front, this.address?.port ?? this.options.config.server.port),
      };
    }
    return this.address as { host: string; port: number }; // there is at least one front
  }

  /**
   * Recovers all shards in parallel, and only then lets any of them serve: the seqno counter is then above everything
   * that any log holds. A shard that cannot be recovered stays down with its cause; the others serve.
   */
  async startShards(): Promise<void> {
    const progress = setInterval(() => this.logProgress(), PROGRESS_INTERVAL_MS);
    try {
      const opened = await Promise.all(this.shards.map((slot) => this.openShard(slot)));
      await Promise.all(
        opened.map((incarnation, shard) => incarnation && this.serve(this.shards[shard], incarnation)),
      );
    } finally {
      clearInterval(progress);
    }
  }

  /** Live keys of the configuration have changed. Threads that start from now on find them by themselves. */
  async applyLiveConfig(): Promise<void> {
    for (const { compactor } of this.shards) compactor.applyRateLimit();
    await this.eachFront((control) => control.setSettings(frontSettings(this.options.config)));
  }

  /** New connections get the certificate that is in the files now. Throws DbError CONFIG for the first front that cannot. */
  async renewCertificate(): Promise<void> {
    const { address } = this;
    if (address === undefined) return;
    const results = await Promise.all(
      this.liveFronts().map((thread) =>
        thread.call(thread.control.renewCertificate(address.host, address.port)),
      ),
    );
    const failed = results.find((result) => result.failed !== undefined);
    if (failed !== undefined) throw new DbError('CONFIG', String(failed.failed));
  }

  /** Resolves when every front goes by these users, keys and roles. */
  setSecurity(snapshot: SecuritySnapshot): Promise<void> {
    return this.eachFront((control) => control.setSecurity(snapshot));
  }

  /** Resolves when every front knows the collection as it is now. */
  putCollection(collection: CollectionInfo): Promise<void> {
    return this.eachFront((control) => control.putCollection(collection));
  }

  /** What the planners of all fronts go by from now on. */
  setStatistics(statistics: StatisticsSnapshot): Promise<void> {
    this.statistics = statistics;
    return this.eachFront((control) => control.setStatistics(statistics));
  }

  /** Resolves when no front begins to read or write the collection any more. */
  removeCollection(collection: CollectionInfo): Promise<void> {
    return this.eachFront((control) => control.removeCollection(collection));
  }

  /**
   * Tells every shard which indexes and schemas there are. Resolves when all that are serving go by these. One that is recovering hears
   * of it before it is connected to a front; one that is down, when it starts. Rejects with the DbError of a shard that
   * cannot, or that ended meanwhile.
   */
  async setDefinitions(): Promise<void> {
    const indexes = this.options.indexes();
    const schemas = this.options.schemas();
    await Promise.all(
      this.shards.map(async ({ shard, incarnation, state }) => {
        if (incarnation === undefined) return;
        const { thread } = incarnation;
        const told = thread.call<WireError | undefined>(thread.control.setDefinitions(indexes, schemas));
        if (state !== 'ready') {
          told.catch(() => {});
          return;
        }
        const failed = await told;
        if (failed !== undefined)
          throw fromWireError({ ...failed, message: `shard ${shard}: ${failed.message}` });
      }),
    );
  }

  /** Compactions drop what is stored under numbers that nothing has any more. */
  announceDropped(): void {
    const dropped = this.options.droppedCollections();
    for (const { incarnation } of this.shards) {
      if (incarnation === undefined) continue;
      const { thread } = incarnation;
      // A shard that ends meanwhile is told when it starts again.
      thread.call(thread.control.setDroppedCollections(dropped)).catch(() => {});
    }
  }

  /** Refuses new requests and waits until writes under way are answered. False when the time was not enough. */
  async drain(cause: WireError, timeoutMs: number): Promise<boolean> {
    this.drainDeadlineMs = systemClock.monotonicMs() + timeoutMs;
    this.isStopping = true;
    await this.eachFront((control) => control.drain(cause));
    for (;;) {
      const pending = await Promise.all(
        this.liveFronts().map((thread) => thread.call(thread.control.pendingWrites()).catch(() => 0)),
      );
      if (pending.every((count) => count === 0)) return true;
      if (systemClock.monotonicMs() >= this.drainDeadlineMs) return false;
      await sleep(DRAIN_POLL_MS);
    }
  }

  /** Ends a drain that is under way. */
  stopWaiting(): void {
    this.drainDeadlineMs = 0;
  }

  /** Closes sockets, then shards (which flush if `flush`, and sync), then compactors. */
  async close(flush = true): Promise<void> {
    this.isFlushedAtEnd = flush;
    this.isStopping = true;
    await Promise.all(
      this.liveFronts().map((thread) =>
        closeThread('front', thread, thread.control.close(), this.options.logger),
      ),
    );
    await Promise.all(this.shards.map((slot) => this.closeShard(slot)));
    await Promise.all(this.shards.map(({ compactor }) => compactor.close()));
  }

  /** When this fails the front's thread has ended or is ending; onFrontExit decides whether it is started again. */
  private async startFront(slot: FrontSlot, port: number): Promise<number> {
    const thread = this.threads.spawnFront(slot, this.shards);
    slot.thread = thread;
    thread.exited.then(({ error }) => this.onFrontExit(slot, thread, error));
    try {
      // Posted together, before anything else can happen: a change that comes meanwhile is posted after them.
      await Promise.all(
        this.options.collections().map((collection) => thread.call(thread.control.putCollection(collection))),
      );
      await thread.call(thread.control.setStatistics(this.statistics));
      for (const shard of this.shards) await this.introduce(slot, shard);
      const { server } = this.options.config;
      const sharing = server.front_threads === 1 ? 'alone' : this.address === undefined ? 'first' : 'further';
      const result = await thread.call(thread.control.listen(server.host, port, sharing));
      if (result.port === undefined) throw new DbError('IO', result.failed ?? 'the front does not listen');
      setTimeout(() => {
        if (slot.thread === thread) slot.restarts = 0;
      }, HEALTHY_AFTER_MS).unref();
      return result.port;
    } catch (error) {
      await closeThread(`front ${slot.front}`, thread, thread.control.close(), this.options.logger);
      throw error;
    }
  }

  /** Tells a new front about a shard: its link, or why there is none. */
  private async introduce(front: FrontSlot, shard: ShardSlot): Promise<void> {
    const { incarnation, cause } = shard;
    if (incarnation?.isOpen) {
      // If the shard dies meanwhile, its next incarnation connects to this front.
      await this.connect(front, shard, incarnation).catch(() => {});
    } else if (cause !== undefined && front.thread !== undefined) {
      await front.thread.call(front.thread.control.detachShard(shard.shard, cause));
    }
  }

  private async restartShard(slot: ShardSlot): Promise<void> {
    await slot.compactor.discard();
    if (this.isStopping) return;
    const incarnation = await this.openShard(slot);
    if (incarnation !== undefined) await this.serve(slot, incarnation);
  }

  /** Starts the thread and recovers. Undefined when that failed; what follows from it has then been done. */
  private async openShard(slot: ShardSlot): Promise<ShardIncarnation | undefined> {
    slot.state = 'recovering';
    slot.poison = undefined;
    slot.flushError = undefined;
    const { memory } = this.options.config;
    const doorbell = createDoorbell();
    const buffers = createShardReadBuffers(
      memory.memtables_max + (this.options.recoveryMode ? RECOVERY_MEMTABLES : RESERVE_MEMTABLES),
      memory.memtable_size,
    );
    const thread = this.threads.spawnShard(slot, doorbell, buffers);
    const incarnation: ShardIncarnation = { thread, buffers, doorbell, links: new Map(), isOpen: false };
    slot.incarnation = incarnation;
    thread.exited.then(({ error }) => this.onShardExit(slot, thread, error));
    slot.compactor.start();
    try {
      const result = await thread.call(thread.control.open());
      if (result.opened !== undefined) {
        logOpenedShard(this.options.logger, slot.shard, result.opened);
        slot.problems = result.opened.problems;
        return incarnation;
      }
      this.onRecoveryFailed(slot, result.failed ?? { code: 'INTERNAL', message: 'no reason given' });
    } catch (error) {
      // The thread has ended: onShardExit deals with it.
      this.options.logger.error({ shard: slot.shard, error: String(error) }, 'shard did not recover');
    }
    return undefined;
  }

  /** Connects a recovered shard to all fronts. A front that starts meanwhile connects itself, see introduce(). */
  private async serve(slot: ShardSlot, incarnation: ShardIncarnation): Promise<void> {
    incarnation.isOpen = true;
    try {
      for (const front of this.fronts) await this.connect(front, slot, incarnation);
    } catch (error) {
      this.options.logger.error(
        { shard: slot.shard, error: String(error) },
        'shard ended while it was connected',
      );
      return;
    }
    if (slot.incarnation !== incarnation || slot.state !== 'recovering') return;
    slot.state = 'ready';
    slot.cause = undefined;
    setTimeout(() => {
      if (slot.incarnation === incarnation) slot.restarts = 0;
    }, HEALTHY_AFTER_MS).unref();
  }

  /** Gives a front and a shard their link, once. Fails when the shard's thread ends; a front that ends does not matter. */
  private async connect(front: FrontSlot, slot: ShardSlot, incarnation: ShardIncarnation): Promise<void> {
    const frontThread = front.thread;
    if (frontThread === undefined || incarnation.links.get(front.front)?.frontThread === frontThread) return;
    const link = createLink(this.options.config.memory.ring_bytes, incarnation.doorbell, front.doorbell);
    incarnation.links.set(front.front, { link, frontThread });
    const { thread } = incarnation;
    await thread.call(thread.control.attachFront(front.front, link));
    // Given up meanwhile: the front has been told, and must not hear of this link after that.
    if (!incarnation.isOpen) return;
    await frontThread
      .call(frontThread.control.attachShard(slot.shard, link, incarnation.buffers))
      .catch((error: unknown) => {
        // A front that has ended is connected when it starts again; one that lives and could not is worth knowing.
        if (front.thread !== frontThread) return;
        const fields = { front: front.front, shard: slot.shard, error: String(error) };
        this.options.logger.error(fields, 'a front could not be connected to a shard');
      });
  }

  /** Starting again would find the same: the shard stays down until someone has looked at it. */
  private onRecoveryFailed(slot: ShardSlot, failed: WireError): void {
    const cause: WireError = {
      code: 'SHARD_UNAVAILABLE',
      message: `shard ${slot.shard} could not be recovered: ${failed.message}${adviceFor(failed.code)}`,
      ...(failed.details === undefined ? {} : { details: failed.details }),
    };
    this.options.logger.error({ shard: slot.shard, ...failed.details }, cause.message);
    this.markDown(slot, cause);
  }

  private onShardExit(slot: ShardSlot, thread: ThreadHandle<ShardControl>, error: Error | undefined): void {
    if (slot.incarnation?.thread !== thread || slot.state === 'closed') return;
    const reason = error?.message ?? 'its thread ended';
    const cause: WireError = {
      code: 'SHARD_UNAVAILABLE',
      message: `shard ${slot.shard} died (${reason}) and is being recovered; the outcome of writes under way is unknown`,
    };
    this.options.logger.error({ shard: slot.shard, error: error?.stack }, 'shard thread died');
    // What it had taken and not applied is decided by recovery; nobody waits for it any more.
    this.seqnoBoard.groupEnds(slot.shard);
    this.releaseLocks(thread);
    this.markDown(slot, cause);
    const delayMs = Math.min(RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_MIN * 2 ** slot.restarts);
    slot.restarts++;
    setTimeout(() => {
      if (this.isStopping) return;
      this.restartShard(slot).catch((failure: unknown) => {
        const cause = {
          code: 'INTERNAL' as const,
          message: `shard ${slot.shard} did not start: ${String(failure)}`,
        };
        this.options.logger.error({ shard: slot.shard }, cause.message);
        this.markDown(slot, cause);
      });
    }, delayMs);
  }

  private markDown(slot: ShardSlot, cause: WireError): void {
    slot.state = 'down';
    slot.cause = cause;
    if (slot.incarnation !== undefined) {
      slot.incarnation.isOpen = false;
      for (const { link } of slot.incarnation.links.values()) closeLink(link);
    }
    this.eachFront((control) => control.detachShard(slot.shard, cause));
  }

  /** The only place that starts a front again, whether it had served or died while it started. */
  private onFrontExit(slot: FrontSlot, thread: ThreadHandle<FrontControl>, error: Error | undefined): void {
    if (slot.thread !== thread) return;
    slot.thread = undefined;
    this.seqnoBoard.releaseAllOf(slot.front);
    this.releaseLocks(thread);
    for (const { incarnation } of this.shards) {
      const entry = incarnation?.links.get(slot.front);
      if (incarnation === undefined || entry?.frontThread !== thread) continue;
      closeLink(entry.link);
      incarnation.thread.control.detachFront(slot.front).catch(() => {});
    }
    const { address } = this;
    if (this.isStopping || address === undefined) return;
    const delayMs = Math.min(RESTART_DELAY_MS_MAX, RESTART_DELAY_MS_MIN * 2 ** slot.restarts);
    slot.restarts++;
    this.options.logger.error(
      { front: slot.front, error: error?.stack, delay_ms: delayMs },
      'front thread ended',
    );
    setTimeout(() => {
      if (this.isStopping) return;
      this.startFront(slot, address.port).catch((failure: unknown) => {
        this.options.logger.error(
          { front: slot.front, error: toWireError(failure).message },
          'front did not start',
        );
      });
    }, delayMs);
  }

  /** What a dead thread held of the block cache; see openSharedBlockCache for its owner's id. */
  private releaseLocks(thread: ThreadHandle<unknown>): void {
    releaseLocksOf(this.blockCache, thread.threadId + 1);
  }

  private async closeShard(slot: ShardSlot): Promise<void> {
    const thread = slot.incarnation?.thread;
    if (thread === undefined || slot.state === 'closed') return;
    slot.state = 'closed';
    const closing = thread.control.close(this.isFlushedAtEnd);
    await closeThread(`shard ${slot.shard}`, thread, closing, this.options.logger);
  }

  private liveFronts(): Array<ThreadHandle<FrontControl>> {
    return this.fronts.flatMap(({ thread }) => (thread === undefined ? [] : [thread]));
  }

  private async eachFront(
    work: (control: ThreadHandle<FrontControl>['control']) => Promise<void>,
  ): Promise<void> {
    await Promise.all(this.liveFronts().map((thread) => thread.call(work(thread.control)).catch(() => {})));
  }

  private logProgress(): void {
    for (const slot of this.shards) {
      if (slot.state !== 'recovering') continue;
      const cells = new Float64Array(slot.stats);
      const done = cells[SHARD_RECOVERY_BYTES_DONE];
      const total = cells[SHARD_RECOVERY_BYTES_TOTAL];
      if (total === 0) continue;
      const percent = Math.floor((done / total) * 100);
      this.options.logger.info({ shard: slot.shard, percent, bytes: done, of: total }, 'recovering the WAL');
    }
  }
}

/** What helps a shard whose files are damaged. */
function adviceFor(code: WireError['code']): string {
  const isDamage = code === 'CORRUPT_WAL' || code === 'CORRUPT_MANIFEST' || code === 'CORRUPT_TABLE';
  if (!isDamage) return '';
  return ". With the server stopped, 'lumadb fsck' lists all damage and 'lumadb repair' saves what can be read; 'lumadb start --recovery-mode' serves it read-only";
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
