/** What the files of an `sst` directory are called, and what a name says about a file. Pure functions. */
import { assert } from '../base/assert.js';

export type TableFileName =
  /** `<10 digits>.sst`: a finished table. */
  | { readonly kind: 'table'; readonly fileNumber: number }
  /** `<10 digits>.sst.tmp`: being written, or left behind by a crash; never part of a version. */
  | { readonly kind: 'temporary'; readonly fileNumber: number }
  | { readonly kind: 'unknown' };

const DIGITS = 10;
export const FILE_NUMBER_MAX = 4294967295;

export function tableName(fileNumber: number): string {
  assert(isFileNumber(fileNumber), () => `${fileNumber} is not a file number`);
  return `${String(fileNumber).padStart(DIGITS, '0')}.sst`;
}

export function temporaryTableName(fileNumber: number): string {
  return `${tableName(fileNumber)}.tmp`;
}

export function classifyTableName(name: string): TableFileName {
  const match = /^(\d{10})\.sst(\.tmp)?$/.exec(name);
  if (match === null) return { kind: 'unknown' };
  const fileNumber = Number(match[1]);
  if (!isFileNumber(fileNumber)) return { kind: 'unknown' };
  return { kind: match[2] === undefined ? 'table' : 'temporary', fileNumber };
}

function isFileNumber(value: number): boolean {
  return Number.isInteger(value) && value > 0 && value <= FILE_NUMBER_MAX;
}
