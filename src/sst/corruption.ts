/** How damage in a table is reported: one DbError('CORRUPT_TABLE') that names file, offset, expectation and finding. */
import { DbError } from '../base/errors.js';
import type { Refusal } from './format.js';

export interface TableDamage extends Refusal {
  readonly file: string;
  /** Of the block, footer or entry in the file, in bytes. */
  readonly offset: number;
}

/** `details` is {file, offset, reason, expected, got}. */
export function corruptTable(damage: TableDamage, cause?: unknown): DbError {
  const { file, offset, reason, expected, got } = damage;
  return new DbError(
    'CORRUPT_TABLE',
    `${file} is damaged at offset ${offset}: ${reason} (expected ${expected}, got ${got})`,
    { file, offset, reason, expected, got },
    { cause },
  );
}
