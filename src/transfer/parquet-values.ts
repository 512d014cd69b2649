/** What values out of a Parquet file are as JSON text. Pure functions. */
import { isUtf8 } from 'node:buffer';
import type { ParquetParsers } from 'hyparquet';

/** JSON text that is taken as it is. */
export class JsonText {
  constructor(readonly text: string) {}
}

/** Points in time become texts here; what the library would make of them loses what is finer than a millisecond. */
export const PARSERS: Partial<ParquetParsers> = {
  timestampFromMilliseconds: (millis) => momentText(millis, 3),
  timestampFromMicroseconds: (micros) => momentText(micros, 6),
  timestampFromNanoseconds: (nanos) => momentText(nanos, 9),
  dateFromDays: (days) => (days == null ? undefined : dateText(days)),
  jsonFromBytes: (bytes) => (bytes == null ? undefined : new JsonText(Buffer.from(bytes).toString('utf8'))),
};

const MS_PER_DAY = 86_400_000;
/** Beyond this many milliseconds from 1970 there is no Date. */
const DATE_MS_MAX = 8.64e15;

/** `count` units of 10^-digits seconds since 1970, in UTC; a number where no text can say it. */
function momentText(count: bigint | undefined, digits: number): string | bigint | undefined {
  if (count == null) return undefined;
  const finer = 10n ** BigInt(digits - 3);
  const rest = ((count % finer) + finer) % finer;
  const ms = Number((count - rest) / finer);
  if (Math.abs(ms) > DATE_MS_MAX) return count;
  const text = new Date(ms).toISOString();
  return rest === 0n ? text : `${text.slice(0, -1)}${String(rest).padStart(digits - 3, '0')}Z`;
}

function dateText(days: number): string | number {
  const ms = days * MS_PER_DAY;
  return Math.abs(ms) > DATE_MS_MAX ? days : new Date(ms).toISOString().slice(0, -'T00:00:00.000Z'.length);
}

/** A decimal of the file, unscaled, as the exact JSON number. */
export function decimalText(value: unknown, scale: number): JsonText | undefined {
  if (value == null) return undefined;
  const unscaled = value instanceof Uint8Array ? bigEndian(value) : BigInt(value as number | bigint);
  const digits = String(unscaled < 0n ? -unscaled : unscaled).padStart(scale + 1, '0');
  const sign = unscaled < 0n ? '-' : '';
  const fraction = scale === 0 ? '' : `.${digits.slice(-scale)}`;
  return new JsonText(`${sign}${digits.slice(0, digits.length - scale)}${fraction}`);
}

function bigEndian(bytes: Uint8Array): bigint {
  return bytes.length === 0
    ? 0n
    : BigInt.asIntN(bytes.length * 8, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}

/**
 * JSON text of any value that the library gives; undefined for none. 64-bit integers are exact; NaN and the infinities
 * are texts, as in SQL; bytes are text where they are UTF-8, else base64.
 */
export function jsonOf(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  switch (typeof value) {
    case 'bigint':
      return value.toString();
    case 'number':
      return Number.isFinite(value) ? numberText(value) : JSON.stringify(String(value));
    case 'boolean':
    case 'string':
      return JSON.stringify(value);
    default:
      return containerOf(value);
  }
}

const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : JSON.stringify(value));

function containerOf(value: object): string | undefined {
  if (value instanceof JsonText) return value.text;
  if (value instanceof Date) return JSON.stringify(value);
  if (value instanceof Uint8Array) return bytesText(value);
  if (ArrayBuffer.isView(value)) return jsonOf(Array.from(value as unknown as ArrayLike<unknown>));
  if (Array.isArray(value)) return `[${value.map((element) => jsonOf(element) ?? 'null').join(',')}]`;
  const members = Object.entries(value).flatMap(([name, member]) => {
    const text = jsonOf(member);
    return text === undefined ? [] : [`${JSON.stringify(name)}:${text}`];
  });
  return `{${members.join(',')}}`;
}

function bytesText(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.length);
  return JSON.stringify(bytes.toString(isUtf8(bytes) ? 'utf8' : 'base64'));
}
