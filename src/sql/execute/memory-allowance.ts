/**
 * The memory of one statement, shared by the threads that run it: each takes grains of it for its own budget as it grows and
 * gives them back as it shrinks. So what counts is what all of them hold together, however the rows were shared out. Each
 * thread's first grain is not counted.
 *
 * Layout: one int32, the grains that are taken. Changed with Atomics by any of the statement's threads.
 */
export class MemoryAllowance {
  static readonly GRAIN_BYTES = 256 * 1024;

  private readonly words: Int32Array;
  private readonly grainsMax: number;

  constructor(
    readonly buffer: SharedArrayBuffer,
    readonly limitBytes: number,
  ) {
    this.words = new Int32Array(buffer);
    this.grainsMax = Math.ceil(limitBytes / MemoryAllowance.GRAIN_BYTES);
  }

  static create(limitBytes: number): MemoryAllowance {
    return new MemoryAllowance(new SharedArrayBuffer(4), limitBytes);
  }

  /** Takes as many grains as `bytes` need; false, and nothing is taken, when there are not that many left. */
  take(bytes: number): boolean {
    const grains = grainsOf(bytes);
    const before = Atomics.add(this.words, 0, grains);
    if (before + grains <= this.grainsMax) return true;
    Atomics.sub(this.words, 0, grains);
    return false;
  }

  /** `bytes` as they were taken. */
  giveBack(bytes: number): void {
    Atomics.sub(this.words, 0, grainsOf(bytes));
  }
}

const grainsOf = (bytes: number): number => Math.ceil(bytes / MemoryAllowance.GRAIN_BYTES);
