/** What the files of a WAL directory are called, and what a name says about a file. Pure functions. */
import { asSegmentNumber, type SegmentNumber } from '../base/brand.js';

export type WalFileName =
  /** `<20 digits>.wal`: a segment of the log. */
  | { readonly kind: 'segment'; readonly number: SegmentNumber }
  /** `spare-<n>.wal`: allocated ahead of need. */
  | { readonly kind: 'spare' }
  /** `recycled-<20 digits>.wal`: a spare that was that segment once, with its old records inside. */
  | { readonly kind: 'recycled'; readonly number: SegmentNumber }
  /** `spare-<n>.tmp`: being allocated, or left behind by a crash. */
  | { readonly kind: 'temporary' }
  | { readonly kind: 'unknown' };

const DIGITS = 20;

export function segmentName(number: SegmentNumber): string {
  return `${padded(number)}.wal`;
}

export function spareName(index: number): string {
  return `spare-${index}.wal`;
}

/** Segment numbers are never reused, so neither is this name: a rename to it never hits another file. */
export function recycledName(number: SegmentNumber): string {
  return `recycled-${padded(number)}.wal`;
}

export function temporaryName(index: number): string {
  return `spare-${index}.tmp`;
}

export function classifyName(name: string): WalFileName {
  const segment = /^(\d{20})\.wal$/.exec(name);
  if (segment !== null) return numbered('segment', segment[1]);
  const recycled = /^recycled-(\d{20})\.wal$/.exec(name);
  if (recycled !== null) return numbered('recycled', recycled[1]);
  if (/^spare-(0|[1-9]\d*)\.wal$/.test(name)) return { kind: 'spare' };
  if (/^spare-(0|[1-9]\d*)\.tmp$/.test(name)) return { kind: 'temporary' };
  return { kind: 'unknown' };
}

function numbered(kind: 'segment' | 'recycled', digits: string | undefined): WalFileName {
  const number = Number(digits);
  return Number.isSafeInteger(number) && number > 0
    ? { kind, number: asSegmentNumber(number) }
    : { kind: 'unknown' };
}

function padded(number: SegmentNumber): string {
  return String(number).padStart(DIGITS, '0');
}
