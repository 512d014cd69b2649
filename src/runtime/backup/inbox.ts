/** Messages of a port in order, for one who waits for them. Any thread. */
import type { MessagePort } from 'node:worker_threads';
import type { DbError } from '../../base/errors.js';

export class Inbox<T> {
  private readonly messages: T[] = [];
  private failure: DbError | undefined;
  private wake: () => void = () => {};

  constructor(port: MessagePort) {
    port.on('message', (message: T) => {
      this.messages.push(message);
      this.wake();
    });
  }

  /** Whoever waits, now or later, gets this once there is no message left. */
  fail(error: DbError): void {
    this.failure ??= error;
    this.wake();
  }

  async next(): Promise<T> {
    for (;;) {
      const message = this.messages.shift();
      if (message !== undefined) return message;
      if (this.failure !== undefined) throw this.failure;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }
}

/** What of these bytes can be moved to another thread: memory that is theirs alone and worth it. Others are copied. */
export function movable(bytes: Uint8Array): ArrayBuffer[] {
  const isOwn = bytes.byteLength >= MOVED_BYTES_MIN && bytes.byteLength === bytes.buffer.byteLength;
  return isOwn ? [bytes.buffer as ArrayBuffer] : [];
}

/** Smaller ones may lie in a pool of memory, or be needed once more, as the header of an object is. */
const MOVED_BYTES_MIN = 64 * 1024;
