/** Reads whether this process takes writes, and why not. Any thread; see read-only-format.ts. */
import { DbError } from '../base/errors.js';
import { OperationKind } from '../generated/lumadb/schema/operation-kind.js';
import {
  READ_ONLY_DISK,
  READ_ONLY_LENGTH,
  READ_ONLY_OFF,
  READ_ONLY_SEQUENCE,
  READ_ONLY_STATE,
  READ_ONLY_TEXT,
  READ_ONLY_TEXT_BYTES_MAX,
} from './read-only-format.js';

/** The main thread changes the block in microseconds; a reader that waits longer than this does without the reason. */
const ATTEMPTS_MAX = 10_000;

interface Snapshot {
  readonly state: number;
  readonly reason: string;
}

export class ReadOnlyReader {
  private readonly words: Int32Array;

  constructor(block: SharedArrayBuffer) {
    this.words = new Int32Array(block);
  }

  /** One of READ_ONLY_*: a single atomic load. */
  get state(): number {
    return Atomics.load(this.words, READ_ONLY_STATE);
  }

  /** Why an operation of this kind is refused now: DbError('READ_ONLY') with the reason. Undefined when it is taken. */
  refusalOf(kind: OperationKind): DbError | undefined {
    const { state } = this;
    if (state === READ_ONLY_OFF) return undefined;
    if (state === READ_ONLY_DISK && kind === OperationKind.Delete) return undefined;
    return this.refusal();
  }

  /** Why what is not taken now is refused. Undefined when writes are taken again. */
  refusal(): DbError | undefined {
    const { state, reason } = this.snapshot();
    if (state === READ_ONLY_OFF) return undefined;
    const isDisk = state === READ_ONLY_DISK;
    const what = isDisk ? 'writes other than deletes are refused' : 'the database is read-only';
    return new DbError('READ_ONLY', `${what}: ${reason}`, { allowed: isDisk ? 'deletes' : 'reads' });
  }

  /** State and reason of one moment. */
  private snapshot(): Snapshot {
    const { words } = this;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const before = Atomics.load(words, READ_ONLY_SEQUENCE); // pairs with publish() in read-only-writer.ts
      if (before % 2 !== 0) continue;
      const snapshot = { state: this.state, reason: this.text() };
      if (Atomics.load(words, READ_ONLY_SEQUENCE) === before) return snapshot;
    }
    return { state: this.state, reason: 'the reason is just being changed' };
  }

  private text(): string {
    const length = Math.min(Atomics.load(this.words, READ_ONLY_LENGTH), READ_ONLY_TEXT_BYTES_MAX);
    const copy = new Int32Array(Math.ceil(length / 4));
    for (let index = 0; index < copy.length; index++) {
      copy[index] = Atomics.load(this.words, READ_ONLY_TEXT + index);
    }
    return new TextDecoder().decode(new Uint8Array(copy.buffer, 0, length));
  }
}
