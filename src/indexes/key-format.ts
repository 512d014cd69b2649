/**
 * Keys of index entries: the values of the columns, each so encoded that the order of the bytes is the order of the values,
 * and behind them the bytes of the document's `_id`. Written by key-encoding.ts, read by key-decoding.ts, searched by the
 * intervals of key-interval.ts. docs/formats/index-keys.md has the same with examples.
 *
 *   key     := column+ _id
 *   column  := value, cut after COLUMN_BYTES_MAX bytes; in a DESC column every byte is inverted
 *   value   := text | number | boolean | moment | time | interval | array | object | record | null
 *   text    := 10 escaped-byte* 00 01                 UTF-8; a byte 00 of the text is 00 ff
 *   number  := 20 double remainder
 *   boolean := 30 (00 | 01)
 *   moment  := 40 double                              timestamp or date: microseconds since 1970-01-01
 *   time    := 44 double                              microseconds since midnight
 *   interval := 48 double remainder                   microseconds, a month being 30 days
 *   array   := 50 value* 01                           of SQL
 *   json array := 58 u32 value*                       number of elements first, so that shorter ones sort before longer ones
 *   object  := 60 u32 (text value)*                   number of members, then the members in the order of their names' bytes
 *   record  := 70 value* 01
 *   null    := 05 when it has to sort below everything, else fa; inside of JSON 05, in SQL arrays and records fa
 *
 *   double    := the eight bytes, big endian, with the sign bit flipped, or all bits if it was set; -0 is 0, NaN is ff * 8
 *   remainder := 80                                   the number is the double
 *             |  80 + n, magnitude (n bytes)          an integer that is larger than its nearest double, n < 127
 *             |  80 - n, inverted magnitude           smaller
 *             |  ff u32 magnitude, 01 inverted(u32 magnitude)   the same with longer ones
 *             |  ff u32 digits, 01 inverted(u32 digits)   more than 1024 decimal digits; u32: their number plus 2^31
 *             |  ff ffffffff, 01 00000000             the infinities; an integer beyond all doubles is counted from the largest
 *
 * Encodings are prefix-free: none is the beginning of another. So nothing has to say that one was cut short: its end has not
 * come after COLUMN_BYTES_MAX bytes. A cut one is at its right place among the complete ones; among those that are cut at
 * the same bytes the order is not known, and who reads them looks at the document.
 */
import { assert } from '../base/assert.js';
import { KEY_BYTES_MAX } from '../base/limits.js';

/** Most columns of an index. */
export const INDEX_COLUMNS_MAX = 32;
/** Longest encoding of a column. */
export const COLUMN_BYTES_MAX = 512;
/** Longest key of an entry. */
export const INDEX_KEY_BYTES_MAX = INDEX_COLUMNS_MAX * COLUMN_BYTES_MAX + KEY_BYTES_MAX;
/** What memtables and tables take. */
const STORED_KEY_BYTES_MAX = 65_535;

export const TAG_NULL_LOWEST = 0x05;
export const TAG_TEXT = 0x10;
export const TAG_NUMBER = 0x20;
export const TAG_BOOLEAN = 0x30;
export const TAG_MOMENT = 0x40;
export const TAG_TIME = 0x44;
export const TAG_INTERVAL = 0x48;
export const TAG_ARRAY = 0x50;
export const TAG_JSON_ARRAY = 0x58;
export const TAG_OBJECT = 0x60;
export const TAG_RECORD = 0x70;
export const TAG_NULL_HIGHEST = 0xfa;

/** Behind the last value of an array or record; below every tag. */
export const END_OF_VALUES = 0x01;
export const TEXT_ESCAPE = 0x00;
export const TEXT_END = 0x01;
export const TEXT_ZERO = 0xff;

export const REMAINDER_NONE = 0x80;
/** Longest magnitude whose length is in the first byte, plus one. */
export const REMAINDER_LONG = 0x7f;
/** Added to the number of decimal digits of integers that are stored by them. */
export const REMAINDER_DIGITS = 0x8000_0000;
export const REMAINDER_INFINITE = 0xffff_ffff;

assert(INDEX_KEY_BYTES_MAX <= STORED_KEY_BYTES_MAX, 'keys of index entries fit into memtables and tables');
