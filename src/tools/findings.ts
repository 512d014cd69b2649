/**
 * What a check found wrong. A finding names the shard, the file and the offset; a list of them is bounded, so that a disk
 * full of damage ends in a report and not in an exhausted heap. One thread.
 */
import { DbError } from '../base/errors.js';

/** `error`: data is lost, wrong or in danger. `warning`: nothing is lost, but somebody should know. */
export type Severity = 'error' | 'warning';

export interface Finding {
  readonly severity: Severity;
  readonly shard: number;
  readonly file: string;
  /** Byte in the file; null when the finding is about the file as a whole. */
  readonly offset: number | null;
  readonly reason: string;
  /** Name of the collection, or `#<number>`; absent when the finding is about no single one. */
  readonly collection?: string;
}

/** Findings that a list keeps; it counts those beyond. */
export const FINDINGS_MAX = 1000;

export class FindingList {
  private readonly kept: Finding[] = [];
  errors = 0;
  warnings = 0;

  constructor(private readonly shard: number) {}

  get all(): readonly Finding[] {
    return this.kept;
  }

  /** Findings that were counted and not kept. */
  get omitted(): number {
    return this.errors + this.warnings - this.kept.length;
  }

  add(severity: Severity, file: string, offset: number | null, reason: string, collection?: string): void {
    if (severity === 'error') this.errors++;
    else this.warnings++;
    if (this.kept.length >= FINDINGS_MAX) return;
    const { shard } = this;
    const about = collection === undefined ? {} : { collection };
    this.kept.push({ severity, shard, file, offset, reason, ...about });
  }

  error(file: string, offset: number | null, reason: string, collection?: string): void {
    this.add('error', file, offset, reason, collection);
  }

  warning(file: string, offset: number | null, reason: string, collection?: string): void {
    this.add('warning', file, offset, reason, collection);
  }

  /** Takes over an expected failure, with the place it names; anything else is thrown on. */
  failure(error: unknown, file: string): void {
    if (!(error instanceof DbError)) throw error;
    const { details } = error;
    const place = typeof details?.['file'] === 'string' ? details['file'] : file;
    const offset = typeof details?.['offset'] === 'number' ? details['offset'] : null;
    this.error(place, offset, reasonOf(error));
  }
}

/** Reason, expectation and finding where the error has them apart, else its message. */
function reasonOf({ message, details }: DbError): string {
  const { reason, expected, got } = details ?? {};
  if (typeof reason !== 'string') return message;
  return expected === undefined ? reason : `${reason} (expected ${expected}, got ${got})`;
}
