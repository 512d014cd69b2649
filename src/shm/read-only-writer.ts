/** Publishes whether this process takes writes, and why not. Main thread only; see read-only-format.ts. */
import { assert } from '../base/assert.js';
import {
  READ_ONLY_LENGTH,
  READ_ONLY_OFF,
  READ_ONLY_SEQUENCE,
  READ_ONLY_STATE,
  READ_ONLY_TEXT,
  READ_ONLY_TEXT_BYTES_MAX,
  type ReadOnlyWord,
} from './read-only-format.js';

export class ReadOnlyWriter {
  private readonly words: Int32Array;

  constructor(block: SharedArrayBuffer) {
    this.words = new Int32Array(block);
  }

  /** From its return on, every thread that looks finds this state. `reason` is empty exactly when writes are taken. */
  publish(state: ReadOnlyWord, reason: string): void {
    assert((state === READ_ONLY_OFF) === (reason === ''), 'read-only always has a reason, and only then');
    const { words } = this;
    const text = new Uint8Array(READ_ONLY_TEXT_BYTES_MAX);
    // encodeInto() stops before a character that does not fit.
    const { written } = new TextEncoder().encodeInto(reason, text);
    const textWords = new Int32Array(text.buffer);
    Atomics.add(words, READ_ONLY_SEQUENCE, 1);
    for (let index = 0; index * 4 < written; index++) {
      Atomics.store(words, READ_ONLY_TEXT + index, textWords[index]);
    }
    Atomics.store(words, READ_ONLY_LENGTH, written);
    Atomics.store(words, READ_ONLY_STATE, state);
    Atomics.add(words, READ_ONLY_SEQUENCE, 1); // pairs with snapshot() in read-only-reader.ts
  }
}
