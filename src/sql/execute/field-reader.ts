/** Decodes the value of one field of the document that an extractor has looked at. One thread. */
import { castOrNull } from '../types/cast.js';
import type { SqlType } from '../types/sql-type.js';
import type { SqlValue } from '../types/values.js';
import type { FieldExtractor } from './field-extractor.js';
import { decodeValue } from './json-decoder.js';
import { TextCache } from './text-cache.js';

/** Reads before a cache is made: a look-up of one document needs none. */
const READS_WITHOUT_CACHE = 64;

export class FieldReader {
  private cache: TextCache | undefined;
  private reads = 0;
  private readonly isPlain: boolean;

  /** A value of another type than the declared one is cast, or NULL where that is impossible. */
  constructor(
    private readonly extractor: FieldExtractor,
    private readonly span: number,
    private readonly type: SqlType,
  ) {
    this.isPlain = type === 'any' || type === 'unknown';
  }

  read(): SqlValue {
    const { bytes, starts, ends } = this.extractor;
    const start = starts[this.span];
    if (start < 0) return null;
    if (++this.reads === READS_WITHOUT_CACHE) this.cache = new TextCache();
    const value = decodeValue(bytes, start, ends[this.span], this.cache);
    return this.isPlain ? value : declared(value, this.type);
  }
}

/** The value as one of a declared type: without a cast where it is of this type already. */
export function declared(value: SqlValue, type: SqlType): SqlValue {
  if (value === null) return null;
  switch (type) {
    case 'any':
    case 'unknown':
      return value;
    case 'text':
      if (typeof value === 'string') return value;
      break;
    case 'float8':
    case 'numeric':
      if (typeof value === 'number') return value;
      break;
    case 'int8':
      if (typeof value === 'number' && Number.isSafeInteger(value)) return value;
      break;
    case 'bool':
      if (typeof value === 'boolean') return value;
      break;
    default:
  }
  return castOrNull(value, type);
}
