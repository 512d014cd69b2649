/**
 * Pulses: how the main thread sees whether the event loops of others turn. One block of three float64 cells per thread, which
 * that thread alone writes while it lives, with plain stores, a few times a second and from a timer of its event loop:
 * nothing that a request passes has to do with it.
 *
 *   cell 0  LAST_BEAT_MS  when the event loop last turned, in milliseconds of processMonotonicMs(); 0: it does not beat, because it
 *                         has not begun yet or has ended (the main thread writes that 0 for a thread that died)
 *   cell 1  OS_THREAD     the thread's number under /proc/self/task; 0: unknown
 *   cell 2  IS_IDLE       1: it has no work and waits for some outside of its event loop, which need not turn
 */
const LAST_BEAT_MS = 0;
const OS_THREAD = 1;
const IS_IDLE = 2;
const PULSE_CELLS = 3;
const PULSE_BYTES = PULSE_CELLS * 8;

/** How often a thread beats: what is silent for less than this and the limit may only have been between two beats. */
export const BEAT_INTERVAL_MS = 250;

export function createPulses(count = 1): SharedArrayBuffer {
  return new SharedArrayBuffer(count * PULSE_BYTES);
}

export class Pulse {
  private readonly cells: Float64Array;

  /** `index`: which of the pulses that are in the block. */
  constructor(block: SharedArrayBuffer, index = 0) {
    this.cells = new Float64Array(block, index * PULSE_BYTES, PULSE_CELLS);
  }

  /** In the thread itself. */
  begin(osThread: number, nowMs: number): void {
    this.cells[OS_THREAD] = osThread;
    this.cells[IS_IDLE] = 0;
    this.cells[LAST_BEAT_MS] = nowMs;
  }

  beat(nowMs: number): void {
    this.cells[LAST_BEAT_MS] = nowMs;
  }

  /** The thread is about to wait for work. */
  idle(): void {
    this.cells[IS_IDLE] = 1;
  }

  /** It has work again: its time counts from now on. */
  busy(nowMs: number): void {
    this.cells[LAST_BEAT_MS] = nowMs;
    this.cells[IS_IDLE] = 0;
  }

  end(): void {
    this.cells[LAST_BEAT_MS] = 0;
  }

  get lastBeatMs(): number {
    return this.cells[LAST_BEAT_MS];
  }

  get isIdle(): boolean {
    return this.cells[IS_IDLE] === 1;
  }

  get osThread(): number {
    return this.cells[OS_THREAD];
  }
}
