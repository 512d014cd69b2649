/**
 * Doorbells: how one thread wakes another that has nothing to do. One Int32 word, touched only with Atomics.
 *
 *   word 0  AWAKE    the owner is running and will look at its queues before it sleeps
 *   word 1  ASLEEP   the owner is waiting (or is about to): the next ringer must notify it
 *
 * The race "work arrives while the owner goes to sleep" is closed the way Dekker's algorithm does it: the owner
 * stores ASLEEP and then looks at its queues once more; the ringer publishes its work and then looks at the word.
 * Both orders are sequentially consistent, so at least one of the two sees the other.
 */
const AWAKE = 0;
const ASLEEP = 1;

export const DOORBELL_BYTES = 64;

export function createDoorbell(): SharedArrayBuffer {
  return new SharedArrayBuffer(DOORBELL_BYTES);
}

/** The ringing side. Any thread; call after the work has been published. */
export class DoorbellRinger {
  private readonly word: Int32Array;
  constructor(sab: SharedArrayBuffer) {
    this.word = new Int32Array(sab, 0, 1);
  }

  /** Whether the owner has nothing to do. */
  isAsleep(): boolean {
    return Atomics.load(this.word, 0) === ASLEEP;
  }

  /** Wakes the owner if it sleeps. Costs one load when it does not. */
  ring(): void {
    if (Atomics.load(this.word, 0) !== ASLEEP) return;
    if (Atomics.compareExchange(this.word, 0, ASLEEP, AWAKE) === ASLEEP) Atomics.notify(this.word, 0, 1);
  }
}

/** The owner's side for a thread that blocks (a shard). */
export class BlockingDoorbell {
  private readonly word: Int32Array;
  constructor(sab: SharedArrayBuffer) {
    this.word = new Int32Array(sab, 0, 1);
  }

  /** Blocks until rung or until `timeoutMs`. `hasWork` is asked once more after ASLEEP has been announced. */
  sleep(timeoutMs: number, hasWork: () => boolean): void {
    Atomics.store(this.word, 0, ASLEEP);
    if (!hasWork()) Atomics.wait(this.word, 0, ASLEEP, timeoutMs);
    Atomics.store(this.word, 0, AWAKE);
  }
}

/** The owner's side for a thread with an event loop that must not block (a front). */
export class AsyncDoorbell {
  private readonly word: Int32Array;
  /** True from arm() until the wake-up it leads to: a second arm() must not start a second chain of wake-ups. */
  private waiting = false;
  private closed = false;

  /** `onRing` runs on the event loop, once per wake-up, and must empty the queues. */
  constructor(
    sab: SharedArrayBuffer,
    private readonly onRing: () => void,
    private readonly hasWork: () => boolean,
  ) {
    this.word = new Int32Array(sab, 0, 1);
  }

  /** Announces that the owner wants to be woken. Call when the queues are empty; does nothing if already armed. */
  arm(): void {
    if (this.waiting || this.closed) return;
    this.waiting = true;
    Atomics.store(this.word, 0, ASLEEP);
    if (this.hasWork()) {
      Atomics.store(this.word, 0, AWAKE);
      setImmediate(this.wake);
      return;
    }
    const result = Atomics.waitAsync(this.word, 0, ASLEEP);
    if (!result.async) {
      setImmediate(this.wake);
      return;
    }
    result.value.then(this.wake);
  }

  /** Stops for good and releases the pending wait. */
  close(): void {
    this.closed = true;
    Atomics.store(this.word, 0, AWAKE);
    Atomics.notify(this.word, 0);
  }

  private readonly wake = (): void => {
    this.waiting = false;
    if (this.closed) return;
    this.onRing();
    this.arm();
  };
}
