/** Bounds the bytes of request bodies that a front holds while they arrive. Front thread only. */
import type { WireError } from '../base/errors.js';
import { FRONT_BODY_BYTES } from '../shm/stats-format.js';

export class BodyBudget {
  constructor(
    private readonly cells: Float64Array,
    private readonly bytesMax: number,
  ) {}

  /** Takes `bytes` out of the budget; false when it is used up. */
  take(bytes: number): boolean {
    if (this.cells[FRONT_BODY_BYTES] + bytes > this.bytesMax) return false;
    this.cells[FRONT_BODY_BYTES] += bytes;
    return true;
  }

  give(bytes: number): void {
    this.cells[FRONT_BODY_BYTES] -= bytes;
  }

  exhausted(): WireError {
    const message = `${this.cells[FRONT_BODY_BYTES]} bytes of request bodies are being received (server.max_in_flight_body_bytes)`;
    return { code: 'OVERLOADED', message };
  }
}

/** A body of many pieces is copied into a buffer of at least this size. */
const BODY_BUFFER_BYTES_MIN = 16 * 1024;
/** How much it grows at a time: copied four times in all, and at most a quarter of what a body takes is unused. */
const BODY_BUFFER_GROWTH = 1.25;
const NO_BYTES = new Uint8Array(0);

/**
 * A body that arrives in pieces. Reusable; holds memory only between the first and the last piece. The budget is
 * charged for the memory and not for the bytes in it, so pieces of one byte each cannot outgrow it.
 */
export class BodyBuffer {
  private bytes = NO_BYTES;
  length = 0;

  constructor(
    private readonly budget: BodyBudget,
    private bytesMax: number,
  ) {}

  /** For reuse with another limit. */
  reset(bytesMax: number): void {
    this.budget.give(this.bytes.length);
    this.bytes = NO_BYTES; // not kept for the next body: whoever has what join() returned may go on using it
    this.length = 0;
    this.bytesMax = bytesMax;
  }

  /** Copies a piece. Undefined when it was taken. */
  append(chunk: ArrayBuffer): WireError | undefined {
    const length = this.length + chunk.byteLength;
    if (length > this.bytesMax) return bodyTooLarge(this.bytesMax);
    if (length > this.bytes.length && !this.grow(length)) return this.budget.exhausted();
    this.bytes.set(new Uint8Array(chunk), this.length);
    this.length = length;
    return undefined;
  }

  /** All pieces as one array. */
  join(): Uint8Array {
    return this.bytes.subarray(0, this.length);
  }

  private grow(lengthMin: number): boolean {
    const wanted = Math.max(
      BODY_BUFFER_BYTES_MIN,
      lengthMin,
      Math.ceil(BODY_BUFFER_GROWTH * this.bytes.length),
    );
    const capacity = Math.min(wanted, this.bytesMax);
    if (!this.budget.take(capacity - this.bytes.length)) return false;
    const grown = new Uint8Array(capacity);
    grown.set(this.join());
    this.bytes = grown;
    return true;
  }
}

export function bodyTooLarge(limitBytes: number): WireError {
  return {
    code: 'PAYLOAD_TOO_LARGE',
    message: `the request body is longer than ${limitBytes} bytes`,
    details: { limitBytes },
  };
}
