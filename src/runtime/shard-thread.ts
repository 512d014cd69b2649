/** A shard thread: recovery, then the loop. Everything here runs on that thread; the supervisor calls over comlink. */
import type { MessagePort } from 'node:worker_threads';
import { asEpoch, asSeqno, asShardId, type Epoch } from '../base/brand.js';
import { systemClock } from '../base/clock.js';
import { type DbError, toWireError, type WireError } from '../base/errors.js';
import { createPrng } from '../base/prng.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import { ShardEngine } from '../engine/shard-engine.js';
import type { Durability } from '../generated/lumadb/schema/durability.js';
import type { LinkBuffers } from '../ipc/link.js';
import { ShardLink } from '../ipc/shard-server.js';
import { MemtablePool } from '../memtable/pool.js';
import type { MemtablePoolBuffers } from '../memtable/pool-format.js';
import { BlockingDoorbell } from '../shm/doorbell.js';
import {
  SHARD_RECOVERY_BYTES_DONE,
  SHARD_RECOVERY_BYTES_TOTAL,
  SHARD_WAL_DISK_BYTES,
  SHARD_WAL_SEGMENTS,
} from '../shm/stats-format.js';
import { RealVfs } from '../vfs/real.js';
import { recoverWal } from '../wal/recovery.js';
import type { RecoveryReport } from '../wal/recovery-report.js';
import { SegmentPool } from '../wal/segments.js';
import { WalWriter } from '../wal/writer.js';
import { exposeOn, type Remote, remoteOf } from './endpoint.js';
import { SharedSeqnoCounter } from './seqno-counter.js';
import { ShardLoop } from './shard-loop.js';
import { ShardMeter } from './shard-meter.js';

/** Spare WAL segments kept ready. */
export const WAL_SPARES_MAX = 2;
/** How full the active segment gets before the next one is asked for. */
const SPARE_WANTED_FILL = 0.25;
const SPARE_CHECK_MS = 200;

export interface ShardThreadData {
  readonly shard: number;
  readonly walDirectory: string;
  readonly segmentBytes: number;
  readonly memtables: MemtablePoolBuffers;
  readonly doorbell: SharedArrayBuffer;
  readonly stats: SharedArrayBuffer;
  readonly seqnos: SharedArrayBuffer;
  readonly defaultDurability: Durability;
  readonly groupIntervalMs: number;
  readonly onDamage: 'stop' | 'salvage';
  readonly spinUs: number;
  readonly controlPort: MessagePort;
  readonly hostPort: MessagePort;
}

/** What the supervisor offers to a shard. */
export interface ShardHost {
  log(level: 'info' | 'warn' | 'error', message: string, fields: Record<string, unknown>): void;
  /** Asks for a spare WAL segment, prepared on the compactor thread. */
  wantSpare(shard: number): void;
  onPoisoned(shard: number, error: WireError): void;
}

export interface OpenedShard {
  readonly lastSeqno: number;
  readonly records: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly tornTailBytes: number;
  readonly damage: RecoveryReport['damage'];
  readonly unknownFiles: readonly string[];
}

export interface CollectionFigures {
  readonly collection: number;
  readonly documents: number;
  readonly bytes: number;
}

/** Expected failures are values: comlink would lose their class. */
export interface OpenResult {
  readonly opened?: OpenedShard;
  readonly failed?: WireError;
}

/** What a shard offers to the supervisor. */
export interface ShardControl {
  /** Recovers and starts serving. */
  open(): OpenResult;
  attachFront(front: number, link: LinkBuffers): void;
  detachFront(front: number): void;
  collectionFigures(): readonly CollectionFigures[];
  /** Serves what is queued, syncs and closes. The thread then has nothing left to do and ends. */
  close(): void;
}

class ShardThread implements ShardControl {
  private readonly host: Remote<ShardHost>;
  private readonly memtables: MemtablePool;
  private readonly meter: ShardMeter;
  private engine: ShardEngine | undefined;
  private log: WalWriter | undefined;
  private loop: ShardLoop | undefined;
  private spareTimer: NodeJS.Timeout | undefined;

  constructor(private readonly data: ShardThreadData) {
    this.host = remoteOf<ShardHost>(data.hostPort);
    // Skiplist heights need no seed that anyone could reproduce, only one that differs from shard to shard.
    this.memtables = new MemtablePool(data.memtables, createPrng(data.shard + 1));
    this.meter = new ShardMeter(data.stats, this.memtables, (error) => this.onPoisoned(error));
  }

  open(): OpenResult {
    try {
      return { opened: this.recover() };
    } catch (error) {
      return { failed: toWireError(error) };
    }
  }

  attachFront(front: number, link: LinkBuffers): void {
    this.loop?.addLink(new ShardLink(front, link));
  }

  detachFront(front: number): void {
    this.loop?.removeLink(front);
  }

  collectionFigures(): readonly CollectionFigures[] {
    return this.engine?.stats.snapshot() ?? [];
  }

  close(): void {
    this.loop?.stop();
    clearInterval(this.spareTimer);
    if (this.log?.poisonedBy() === undefined) this.log?.close();
    // Nothing keeps the thread alive after this; the answer to this call is still sent.
    setImmediate(() => {
      this.data.controlPort.close();
      this.data.hostPort.close();
    });
  }

  private recover(): OpenedShard {
    const { data } = this;
    const vfs = new RealVfs();
    const pool = new SegmentPool({
      vfs,
      directory: data.walDirectory,
      segmentBytes: data.segmentBytes,
      sparesMax: WAL_SPARES_MAX,
    });
    pool.prepareDirectory();
    const startMs = systemClock.monotonicMs();
    const { engine, report } = this.replay(vfs);
    const log = new WalWriter({
      vfs,
      pool,
      clock: systemClock,
      shard: asShardId(data.shard),
      epoch: nextEpoch(report),
      continuation: report.continuation,
    });
    new SharedSeqnoCounter(data.seqnos).raiseTo(report.lastSeqno);
    engine.attachLog(log);
    this.log = log;
    this.engine = engine;
    this.startLoop(engine);
    return {
      lastSeqno: report.lastSeqno,
      records: report.records,
      bytes: report.bytes,
      durationMs: systemClock.monotonicMs() - startMs,
      tornTailBytes: report.tornTailBytes ?? 0,
      damage: report.damage,
      unknownFiles: report.unknownFiles,
    };
  }

  private replay(vfs: RealVfs): { engine: ShardEngine; report: RecoveryReport } {
    const { data, memtables, meter } = this;
    const engine = new ShardEngine({
      shard: data.shard,
      memtables,
      seqnos: new SharedSeqnoCounter(data.seqnos),
      clock: systemClock,
      meter,
      defaultDurability: data.defaultDurability,
      groupIntervalMs: data.groupIntervalMs,
    });
    const view = new WriteBatchView();
    const report = recoverWal({
      vfs,
      directory: data.walDirectory,
      shard: asShardId(data.shard),
      // Nothing has been flushed to SSTables yet: the log must reach back to the first operation.
      fromSeqno: asSeqno(1),
      onDamage: data.onDamage,
      onRecord: (record) => engine.replay(view.open(aligned(record.payload)), record.firstSeqno),
      onProgress: (done, total) => {
        meter.cells[SHARD_RECOVERY_BYTES_DONE] = done;
        meter.cells[SHARD_RECOVERY_BYTES_TOTAL] = total;
      },
    });
    meter.onApplied(engine.appliedSeqno);
    return { engine, report };
  }

  private startLoop(engine: ShardEngine): void {
    const { data, meter } = this;
    this.loop = new ShardLoop({
      engine,
      doorbell: new BlockingDoorbell(data.doorbell),
      meter,
      clock: systemClock,
      spinUs: data.spinUs,
    });
    this.loop.start();
    this.refresh();
    this.spareTimer = setInterval(() => this.refresh(), SPARE_CHECK_MS);
  }

  /** Off the hot path: gauges, and the next WAL segment before it is needed. */
  private refresh(): void {
    const counters = this.log?.counters();
    if (counters === undefined) return;
    this.meter.cells[SHARD_WAL_SEGMENTS] = counters.segmentsRetained;
    this.meter.cells[SHARD_WAL_DISK_BYTES] = counters.segmentsRetained * this.data.segmentBytes;
    this.meter.onApplied(this.engine?.appliedSeqno ?? 0);
    if (counters.activeSegmentFill > SPARE_WANTED_FILL || counters.segmentsRetained === 0) {
      this.host.wantSpare(this.data.shard);
    }
  }

  private onPoisoned(error: DbError): void {
    this.host.onPoisoned(this.data.shard, toWireError(error));
  }
}

/** Entry point of workers/shard.ts. */
export function runShardThread(data: ShardThreadData): void {
  exposeOn(data.controlPort, new ShardThread(data));
}

function nextEpoch(report: RecoveryReport): Epoch {
  return asEpoch(report.lastEpoch + 1);
}

/** Batches are read as columns of words, so they must start at a multiple of 8 in their buffer. */
function aligned(payload: Uint8Array): Uint8Array {
  return payload.byteOffset % 8 === 0 ? payload : payload.slice();
}
