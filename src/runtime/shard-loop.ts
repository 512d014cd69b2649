/**
 * The loop of a shard thread: take batches out of the rings of all fronts, commit them as one group, answer, sleep.
 *
 * Every round goes through the event loop once (setImmediate), where control messages are handled. When there is
 * nothing to do the thread blocks in Atomics.wait until a doorbell rings, so an idle shard costs no CPU.
 */
import type { Clock } from '../base/clock.js';
import { toWireError } from '../base/errors.js';
import { WriteBatchView } from '../batch/write-batch-view.js';
import type { ShardEngine } from '../engine/shard-engine.js';
import type { ShardLink } from '../ipc/shard-server.js';
import type { BlockingDoorbell } from '../shm/doorbell.js';
import type { ShardMeter } from './shard-meter.js';

/** Bytes of batches committed as one group: bounds the pause before the first of them is answered. */
const GROUP_BYTES_MAX = 16 * 1024 * 1024;
/** An idle shard looks around this often, to refresh its gauges. */
const IDLE_WAIT_MS = 1000;

export interface ShardLoopOptions {
  readonly engine: ShardEngine;
  readonly doorbell: BlockingDoorbell;
  readonly meter: ShardMeter;
  readonly clock: Clock;
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

  constructor(private readonly options: ShardLoopOptions) {}

  start(): void {
    setImmediate(this.round);
  }

  addLink(link: ShardLink): void {
    this.links = [...this.links, link];
  }

  removeLink(front: number): void {
    this.links = this.links.filter((link) => link.front !== front);
  }

  /** Serves what is in the rings, makes everything durable, and ends the loop. */
  stop(): void {
    while (this.serve()) {}
    this.options.engine.flush();
    this.ringFronts();
    this.isStopped = true;
  }

  private readonly round = (): void => {
    if (this.isStopped) return;
    if (!this.serve() && !this.spin()) this.sleep();
    setImmediate(this.round);
  };

  /** One group. False when there was nothing to do. */
  private serve(): boolean {
    const { engine, meter } = this.options;
    let bytes = 0;
    let depth = 0;
    this.usedViews = 0;
    const { links } = this;
    // In turn: a front that fills every group by itself must not keep the others waiting.
    this.firstLink++;
    for (let i = 0; i < links.length; i++) {
      const link = links[(this.firstLink + i) % links.length];
      depth += link.depthBytes();
      while (bytes < GROUP_BYTES_MAX) {
        const view = this.nextView();
        if (!link.next(view)) break;
        this.usedViews++;
        bytes += view.bytes.length;
        this.stage(link, view);
      }
    }
    meter.onRound(depth);
    const isDue = engine.syncDueInMs() === 0;
    if (this.usedViews === 0 && !isDue) return false;
    engine.commit();
    for (const link of this.links) link.release();
    this.ringFronts();
    return true;
  }

  private stage(link: ShardLink, view: WriteBatchView): void {
    const { engine, meter } = this.options;
    let result = engine.stage(view, link);
    if (result === 'commit-first') {
      engine.commit();
      result = engine.stage(view, link);
    }
    if (result === 'staged') return;
    if (result === 'commit-first') throw new Error('an empty group asks to be committed');
    meter.onRefused(result.code);
    link.replyError(view.batchId, toWireError(result));
  }

  private nextView(): WriteBatchView {
    if (this.usedViews === this.views.length) this.views.push(new WriteBatchView());
    return this.views[this.usedViews];
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
