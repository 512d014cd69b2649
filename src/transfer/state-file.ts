/**
 * A small JSON file that says how far a transfer has come, replaced as a whole. Writes are at least SAVE_MS_MIN apart:
 * what is done between two of them is done again after a crash, which is harmless.
 */
import type { z } from 'zod';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { readText, replaceText } from './files.js';

const SAVE_MS_MIN = 250;

export class StateFile<T> {
  private savedMs = Number.NEGATIVE_INFINITY;

  constructor(
    readonly path: string,
    private readonly schema: z.ZodType<T>,
    private readonly clock: Clock,
  ) {}

  /** Undefined when there is none. Throws DbError('VALIDATION') for a file that is something else. */
  async load(): Promise<T | undefined> {
    const text = await readText(this.path);
    if (text === undefined) return undefined;
    try {
      return this.schema.parse(JSON.parse(text));
    } catch (cause) {
      const message = `${this.path} is not the state of such a transfer (or of another version): delete it to begin anew`;
      throw new DbError('VALIDATION', message, undefined, { cause });
    }
  }

  get isDue(): boolean {
    return this.clock.monotonicMs() - this.savedMs >= SAVE_MS_MIN;
  }

  async save(state: T): Promise<void> {
    try {
      await replaceText(this.path, `${JSON.stringify(state)}\n`);
    } catch (cause) {
      const message = `cannot write the state ${this.path}: ${(cause as Error).message}`;
      throw new DbError('VALIDATION', message, undefined, { cause });
    }
    this.savedMs = this.clock.monotonicMs();
  }
}

/** Throws DbError('VALIDATION') when a run is not the one that the state is of, and says in what they differ. */
export function checkSame(
  path: string,
  saved: Readonly<Record<string, unknown>>,
  asked: Readonly<Record<string, unknown>>,
): void {
  for (const [name, value] of Object.entries(asked)) {
    const before = JSON.stringify(saved[name] ?? null);
    const now = JSON.stringify(value ?? null);
    if (before === now) continue;
    throw new DbError(
      'VALIDATION',
      `${path} is of a run with ${name} ${before}, and this one has ${now}: it cannot go on there`,
    );
  }
}
