/**
 * Doorbells: how one thread wakes another that has nothing to do. Two Int32 words, touched only with Atomics.
 *
 *   word 0  AWAKE (0)   the owner is running and will look at its queues before it sleeps
 *           ASLEEP (1)  the owner is waiting (or is about to): the next ringer must notify it
 *   word 1  count of control messages: work that a blocking owner sees only after it has been through its event loop
 *
 * The race "work arrives while the owner goes to sleep" is closed the way Dekker's algorithm does it: the owner
 * stores ASLEEP and then looks at its queues once more; the ringer publishes its work and then looks at the word.
 * Both orders are sequentially consistent, so at least one of the two sees the other.
 */
const STATE = 0;
const CONTROL_COUNT = 1;
const AWAKE = 0;
const ASLEEP = 1;

export const DOORBELL_BYTES = 64;

export function createDoorbell(): SharedArrayBuffer {
  return new SharedArrayBuffer(DOORBELL_BYTES);
}

/** The ringing side. Any thread; call after the work has been published. */
export class DoorbellRinger {
  private readonly words: Int32Array;
  constructor(sab: SharedArrayBuffer) {
    this.words = new Int32Array(sab, 0, 2);
  }

  /** Whether the owner has nothing to do. */
  isAsleep(): boolean {
    return Atomics.load(this.words, STATE) === ASLEEP;
  }

  /** Wakes the owner if it sleeps. Costs one load when it does not. */
  ring(): void {
    if (Atomics.load(this.words, STATE) !== ASLEEP) return;
    if (Atomics.compareExchange(this.words, STATE, ASLEEP, AWAKE) === ASLEEP)
      Atomics.notify(this.words, STATE, 1);
  }

  /** After a message to the owner's port: makes an owner that is awake now visit its event loop before it sleeps. */
  ringForControl(): void {
    Atomics.add(this.words, CONTROL_COUNT, 1);
    this.ring();
  }
}

/** The owner's side for a thread that blocks (a shard). */
export class BlockingDoorbell {
  private readonly words: Int32Array;
  private seenControlCount = 0;
  constructor(sab: SharedArrayBuffer) {
    this.words = new Int32Array(sab, 0, 2);
  }

  /**
   * Blocks until rung or until `timeoutMs`. `hasWork` is asked once more after ASLEEP has been announced. Returns at once
   * if control messages have come since the last call; the owner visits its event loop between two calls.
   */
  sleep(timeoutMs: number, hasWork: () => boolean): void {
    Atomics.store(this.words, STATE, ASLEEP);
    const controlCount = Atomics.load(this.words, CONTROL_COUNT);
    const hasControl = controlCount !== this.seenControlCount;
    this.seenControlCount = controlCount;
    if (!hasControl && !hasWork()) Atomics.wait(this.words, STATE, ASLEEP, timeoutMs);
    Atomics.store(this.words, STATE, AWAKE);
  }
}

/** The owner's side for a thread with an event loop that must not block (a front). */
export class AsyncDoorbell {
  private readonly words: Int32Array;
  /** True from arm() until the wake-up it leads to: a second arm() must not start a second chain of wake-ups. */
  private waiting = false;
  private closed = false;

  /** `onRing` runs on the event loop, once per wake-up, and must empty the queues. */
  constructor(
    sab: SharedArrayBuffer,
    private readonly onRing: () => void,
    private readonly hasWork: () => boolean,
  ) {
    this.words = new Int32Array(sab, 0, 2);
  }

  /** Announces that the owner wants to be woken. Call when the queues are empty; does nothing if already armed. */
  arm(): void {
    if (this.waiting || this.closed) return;
    this.waiting = true;
    Atomics.store(this.words, STATE, ASLEEP);
    if (this.hasWork()) {
      Atomics.store(this.words, STATE, AWAKE);
      setImmediate(this.wake);
      return;
    }
    const result = Atomics.waitAsync(this.words, STATE, ASLEEP);
    if (!result.async) {
      setImmediate(this.wake);
      return;
    }
    result.value.then(this.wake);
  }

  /** Stops for good and releases the pending wait. */
  close(): void {
    this.closed = true;
    Atomics.store(this.words, STATE, AWAKE);
    Atomics.notify(this.words, STATE);
  }

  private readonly wake = (): void => {
    this.waiting = false;
    if (this.closed) return;
    this.onRing();
    this.arm();
  };
}
