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

/** A body that arrives in pieces. Reusable; holds memory only between the first and the last piece. */
export class BodyBuffer {
  private chunks: Uint8Array[] = [];
  length = 0;

  constructor(
    private readonly budget: BodyBudget,
    private bytesMax: number,
  ) {}

  /** For reuse with another limit. */
  reset(bytesMax: number): void {
    if (this.length > 0) this.budget.give(this.length);
    this.chunks = [];
    this.length = 0;
    this.bytesMax = bytesMax;
  }

  /** Copies a piece. Undefined when it was taken. */
  append(chunk: ArrayBuffer): WireError | undefined {
    const length = this.length + chunk.byteLength;
    if (length > this.bytesMax) return bodyTooLarge(this.bytesMax);
    if (!this.budget.take(chunk.byteLength)) return this.budget.exhausted();
    this.chunks.push(new Uint8Array(chunk.slice(0)));
    this.length = length;
    return undefined;
  }

  /** All pieces as one array. */
  join(): Uint8Array {
    if (this.chunks.length === 1) return this.chunks[0];
    const body = new Uint8Array(this.length);
    let at = 0;
    for (const chunk of this.chunks) {
      body.set(chunk, at);
      at += chunk.length;
    }
    return body;
  }
}

export function bodyTooLarge(limitBytes: number): WireError {
  return {
    code: 'PAYLOAD_TOO_LARGE',
    message: `the request body is longer than ${limitBytes} bytes`,
    details: { limitBytes },
  };
}
