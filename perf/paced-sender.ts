/**
 * HTTP requests at a fixed rate over kept-alive connections. Open loop: request i is due at start + i / rate, whatever
 * became of those before it, and its latency counts from when it was due. A server that stalls is charged for every
 * request that had to wait meanwhile (no coordinated omission), in the server or in here.
 */
import { createHistogram } from 'node:perf_hooks';
import { Worker } from 'node:worker_threads';
import { RETRY_MS, STATUS_BUSY } from './bulk-put.js';
import { type CoresUsed, watchCores } from './cores-used.js';
import { HttpLane } from './http-lane.js';
import { maxMs, type Percentiles, percentileMs, percentilesMs, recordMs } from './latency.js';

export interface Pace {
  readonly port: number;
  readonly serverPid: number;
  /** Requests per second. */
  readonly rate: number;
  readonly connections: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface PacedReport extends CoresUsed, Percentiles {
  /** Answers per second; what falls short of the rate was still waiting when the time was over. */
  readonly opsPerSecond: number;
  readonly maxMs: number;
  /** How late requests were sent; part of their latency. */
  readonly sendDelayP99Ms: number;
  /** Longest time between two answers. The rate itself makes gaps of 1 / rate. */
  readonly longestGapMs: number;
  /** Answers of 503; such a request is sent again, and its latency goes on. */
  readonly refused: number;
}

/** Between answers nothing else would notice that a request is due. */
const TICK_MS = 0.2;
const LEAD_MS = 50;
/** How long a backlog may take after the last request was due. */
const DRAIN_MS_MAX = 10_000;

export class PacedSender {
  private readonly latencyNs = createHistogram();
  private readonly sendDelayNs = createHistogram();
  private readonly idle: HttpLane[] = [];
  private readonly intervalMs: number;
  private readonly warmUpCount: number;
  private readonly total: number;
  private startMs = Number.POSITIVE_INFINITY;
  private sent = 0;
  private answered = 0;
  private measuredInTime = 0;
  private lastAnswerMs = 0;
  private longestGapMs = 0;
  private refused = 0;
  private resolveDone: () => void = () => {};
  private rejectDone: (error: Error) => void = () => {};

  /** `nextRequest` gives the bytes of a request, which must not change before its answer is there. */
  constructor(
    private readonly pace: Pace,
    private readonly nextRequest: (lane: HttpLane) => Uint8Array,
    /** Whether a 503 is waited out; otherwise it is a failure like any other status. */
    private readonly isBusyAllowed: boolean,
  ) {
    this.intervalMs = 1000 / pace.rate;
    this.warmUpCount = Math.floor(pace.rate * pace.warmUpSeconds);
    this.total = this.warmUpCount + Math.max(1, Math.floor(pace.rate * pace.seconds));
  }

  async run(): Promise<PacedReport> {
    const { pace, total, intervalMs, warmUpCount } = this;
    const done = new Promise<void>((resolve, reject) => {
      this.resolveDone = resolve;
      this.rejectDone = reject;
    });
    const isAllowed = (status: number): boolean => this.isBusyAllowed && status === STATUS_BUSY;
    const handlers = {
      onAnswer: (lane: HttpLane) => this.onAnswer(lane),
      onFault: (error: Error) => this.rejectDone(error),
      isAllowed,
    };
    const lanes = await Promise.all(
      Array.from({ length: pace.connections }, () => HttpLane.open(pace.port, handlers)),
    );
    this.idle.push(...lanes);
    const ticker = new Worker(new URL('./ticker.js', import.meta.url), { workerData: { everyMs: TICK_MS } });
    ticker.on('message', () => this.pump());
    this.startMs = performance.now() + LEAD_MS;
    this.lastAnswerMs = this.startMs;
    const scheduledMs = LEAD_MS + total * intervalMs;
    const tooLate = (): void => {
      const open = total - this.answered;
      this.rejectDone(new Error(`${open} of ${total} requests were still open: the rate is too high`));
    };
    const timer = setTimeout(tooLate, scheduledMs + DRAIN_MS_MAX);
    const cores = watchCores(pace.serverPid, LEAD_MS + warmUpCount * intervalMs);
    await done;
    const used = cores();
    clearTimeout(timer);
    await ticker.terminate();
    for (const lane of lanes) lane.close();
    return this.report(used);
  }

  /** Sends what is due, as far as there are idle connections. */
  private pump(): void {
    const now = performance.now();
    while (this.sent < this.total && this.idle.length > 0) {
      const intendedMs = this.startMs + this.sent * this.intervalMs;
      if (intendedMs > now) return;
      if (this.sent >= this.warmUpCount) recordMs(this.sendDelayNs, now - intendedMs);
      this.sent++;
      const lane = this.idle.pop() as HttpLane;
      lane.send(this.nextRequest(lane), intendedMs);
    }
  }

  private onAnswer(lane: HttpLane): void {
    if (lane.status === STATUS_BUSY) {
      this.refused++;
      setTimeout(() => lane.sendAgain(), RETRY_MS);
      return;
    }
    const now = performance.now();
    // By when it was due, not by the count: answers overtake each other.
    if (lane.intendedMs >= this.startMs + this.warmUpCount * this.intervalMs) {
      recordMs(this.latencyNs, now - lane.intendedMs);
      this.longestGapMs = Math.max(this.longestGapMs, now - this.lastAnswerMs);
      if (now <= this.startMs + this.total * this.intervalMs) this.measuredInTime++;
    }
    this.lastAnswerMs = now;
    this.idle.push(lane);
    this.answered++;
    if (this.answered === this.total) this.resolveDone();
    else this.pump();
  }

  private report(used: CoresUsed): PacedReport {
    const { latencyNs } = this;
    const measuredSeconds = ((this.total - this.warmUpCount) * this.intervalMs) / 1000;
    return {
      opsPerSecond: this.measuredInTime / measuredSeconds,
      ...percentilesMs(latencyNs),
      maxMs: maxMs(latencyNs),
      sendDelayP99Ms: percentileMs(this.sendDelayNs, 99),
      longestGapMs: this.longestGapMs,
      refused: this.refused,
      ...used,
    };
  }
}
