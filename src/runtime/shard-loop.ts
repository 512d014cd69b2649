/**
 * The loop of a shard thread: take batches out of the rings of all fronts, commit them as one group, answer, sleep.
 *
 * Every round goes through the event loop once (setImmediate), where control messages are handled. When there is
 * nothing to do the thread blocks in Atomics.wait until a doorbell rings, so an idle shard costs no CPU.
 */
import type { Clock } from '../base/clock.js';
import { type DbErrorCode, toWireError } from '../base/errors.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { WriteThrottle } from '../engine/write-throttle.js';
import type { ShardLink } from '../ipc/shard-server.js';
import type { BlockingDoorbell } from '../shm/doorbell.js';
import { STALL_SLOWDOWN } from '../shm/stats-format.js';
import { type ShardMeter, stallOf } from './shard-meter.js';

/** Bytes of batches committed as one group: bounds the pause before the first of them is answered. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** Longest single wait of a throttled shard: short enough to be felt as latency, not as a pause. */
const THROTTLE_STEP_MS = 10;
/** A batch that finds no room waits this long for a flush before it is refused. */
const STALL_PATIENCE_MS = 200;
const STALL_POLL_MS = 5;
/** Refusals that a flush or a compaction under way is about to end. */
const MAY_END_SOON: ReadonlySet<DbErrorCode> = new Set(['MEMTABLES_FULL', 'L0_STOP']);
/** While a batch waits for room, there is nothing that a front could bring. */
const hasNoWork = (): boolean => false;
/** An idle shard looks around this often, to refresh its gauges. */
const IDLE_WAIT_MS = 1000;

export interface ShardLoopOptions {
  readonly engine: ShardEngine;
  readonly doorbell: BlockingDoorbell;
  readonly meter: ShardMeter;
  readonly clock: Clock;
  /** Slows writes down under pressure; without it they are only refused. */
  readonly throttle?: WriteThrottle;
  /** How close the shard is to a stop, from 0 to 1. */
  readonly pressure?: () => number;
  /** Does a slice of background work, between groups. True when there is more to do. */
  readonly background?: () => boolean;
  /** How long to spin before sleeping, in microseconds. */
  readonly spinUs: number;
}

export class ShardLoop {
  private links: ShardLink[] = [];
  /** Views of the batches of the current group; reused. */
  private readonly views: WriteBatchView[] = [];
  private usedViews = 0;
  /** Position of the link that is served first; another one in each group. */
  private firstLink = 0;
  private isStopped = false;
  /** Bytes of batches in the current group. */
  private bytes = 0;
  /** A batch that waits for room. Nothing behind it is taken: order within a front is kept. */
  private held: { readonly link: ShardLink; readonly view: WriteBatchView } | undefined;
  private stalledSinceMs: number | undefined;
  /** A batch was refused after it had waited, and none was taken since. */
  private hasLostPatience = false;
  private stallCode: DbErrorCode | undefined;
  private throttleWaitMs = 0;
  /** How many ask that the thread does not sleep. */
  private awakeFor = 0;
  private hasPaused = false;
  private readonly pauseWord = new Int32Array(new SharedArrayBuffer(4));
  /** False while stopping. */
  private isPatient = true;

  constructor(private readonly options: ShardLoopOptions) {}

  start(): void {
    setImmediate(this.round);
  }

  addLink(link: ShardLink): void {
    this.links = [...this.links, link];
  }

  removeLink(front: number): void {
    if (this.held?.link.front === front) {
      this.held = undefined;
      this.endStall();
    }
    this.links = this.links.filter((link) => link.front !== front);
  }

  /** Serves what is in the rings, makes everything durable, and ends the loop. */
  stop(): void {
    // Nobody waits for a memtable, for level 0 or for the throttle any more: what cannot be taken now is refused.
    this.isPatient = false;
    this.throttleWaitMs = 0;
    while (this.serve()) {}
    this.options.engine.flush();
    this.ringFronts();
    this.isStopped = true;
  }

  private readonly round = (): void => {
    if (this.isStopped) return;
    const hasServed = this.serve();
    const hasMore = this.options.background?.() === true;
    if (!hasServed && !hasMore) this.waitForWork();
    setImmediate(this.round);
  };

  /** One group. False when there was nothing to do, or nothing that can be done now. */
  private serve(): boolean {
    const { engine, meter, throttle } = this.options;
    // One group between two pauses: pressure slows writes down, it never stops them.
    if (!this.hasPaused && this.isPatient) this.throttleWaitMs = throttle?.takeWaitMs(THROTTLE_STEP_MS) ?? 0;
    if (this.throttleWaitMs > 0) return false;
    this.hasPaused = false;
    this.bytes = 0;
    this.usedViews = 0;
    const depth = this.stageAll();
    meter.onRound(depth);
    const isDue = engine.syncDueInMs() === 0;
    const hasTaken = this.usedViews > 0;
    if (!hasTaken && !isDue) return false;
    engine.commit();
    throttle?.charge(this.bytes, this.options.pressure?.() ?? 0);
    for (const link of this.links) if (link !== this.held?.link) link.release();
    this.ringFronts();
    return true;
  }

  /** Takes batches of all links into the group, the held one first. Returns the bytes that were waiting. */
  private stageAll(): number {
    if (this.held !== undefined) {
      const { link, view } = this.held;
      if (!this.stage(link, view)) return link.depthBytes();
      this.held = undefined;
      this.views.unshift(view);
      this.usedViews++;
    }
    let depth = 0;
    const { links } = this;
    // In turn: a front that fills every group by itself must not keep the others waiting.
    this.firstLink++;
    for (let i = 0; i < links.length; i++) {
      const link = links[(this.firstLink + i) % links.length];
      depth += link.depthBytes();
      while (this.bytes < GROUP_BYTES_MAX && this.held === undefined) {
        const view = this.nextView();
        if (!link.next(view)) break;
        if (this.stage(link, view)) this.usedViews++;
        else this.hold(link, view);
      }
    }
    return depth;
  }

  /** True when the batch is in the group or has been refused; false when it must wait for room. */
  private stage(link: ShardLink, view: WriteBatchView): boolean {
    const { engine, meter, clock } = this.options;
    let result = engine.stage(view, link);
    if (result === 'commit-first') {
      engine.commit();
      result = engine.stage(view, link);
    }
    if (result === 'staged') {
      this.bytes += view.bytes.length;
      this.hasLostPatience = false;
      this.endStall();
      return true;
    }
    if (result === 'commit-first') throw new Error('an empty group asks to be committed');
    if (this.isPatient && MAY_END_SOON.has(result.code)) {
      meter.onStalled(result.code);
      this.stalledSinceMs ??= clock.monotonicMs();
      this.stallCode = result.code;
      if (!this.hasLostPatience && clock.monotonicMs() - this.stalledSinceMs < STALL_PATIENCE_MS)
        return false;
      // Once is enough: until something is taken again, everybody is refused at once.
      this.hasLostPatience = true;
      this.endStall();
    }
    meter.onRefused(result.code);
    link.replyError(view.batchId, toWireError(result));
    return true;
  }

  private endStall(): void {
    if (this.stalledSinceMs === undefined || this.stallCode === undefined) return;
    const { meter, clock } = this.options;
    meter.onWaited(stallOf(this.stallCode), clock.monotonicMs() - this.stalledSinceMs);
    this.stalledSinceMs = undefined;
    this.stallCode = undefined;
  }

  /** Keeps a batch in its ring until it can be staged; it takes a view of its own out of circulation. */
  private hold(link: ShardLink, view: WriteBatchView): void {
    this.held = { link, view };
    this.views.splice(this.usedViews, 1);
  }

  private nextView(): WriteBatchView {
    if (this.usedViews === this.views.length) this.views.push(new WriteBatchView());
    return this.views[this.usedViews];
  }

  /** Until the returned function is called the thread does not sleep: something asynchronous is under way on it. */
  stayAwake(): () => void {
    this.awakeFor++;
    return () => {
      this.awakeFor--;
    };
  }

  private waitForWork(): void {
    if (this.awakeFor > 0) return;
    if (this.throttleWaitMs > 0) this.pause();
    else if (this.held !== undefined) this.options.doorbell.sleep(STALL_POLL_MS, hasNoWork);
    else if (!this.spin()) this.sleep();
  }

  /** Not at the doorbell: a front that rings must not cut it short. Control messages wait as long, too. */
  private pause(): void {
    Atomics.wait(this.pauseWord, 0, 0, this.throttleWaitMs);
    this.options.meter.onWaited(STALL_SLOWDOWN, this.throttleWaitMs);
    this.throttleWaitMs = 0;
    this.hasPaused = true;
  }

  /** True when work turned up while spinning. */
  private spin(): boolean {
    const { clock, spinUs } = this.options;
    if (spinUs === 0) return false;
    const end = clock.monotonicMs() + spinUs / 1000;
    do {
      if (this.hasWork()) return true;
    } while (clock.monotonicMs() < end);
    return false;
  }

  private sleep(): void {
    const waitMs = Math.min(IDLE_WAIT_MS, this.options.engine.syncDueInMs() ?? IDLE_WAIT_MS);
    if (waitMs > 0) this.options.doorbell.sleep(waitMs, this.hasWork);
  }

  private readonly hasWork = (): boolean => {
    for (const link of this.links) if (link.hasRequests()) return true;
    return false;
  };

  private ringFronts(): void {
    for (const link of this.links) link.ring();
  }
}
