/** to_char and its inverses, format(), quoting, encode and decode: the definitions. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import { castValue } from '../types/cast.js';
import { isNumber, type SqlNumber } from '../types/numbers.js';
import { castToText, toText } from '../types/text.js';
import { Interval, SqlDate, SqlTime, type SqlValue, Timestamp } from '../types/values.js';
import { many, one, two } from './define.js';
import type { FunctionDefinition } from './definition.js';
import { toDate, toNumber, toTimestamp } from './from-text.js';
import { characterCount } from './text-basic.js';
import { checkTextLength } from './text-limit.js';
import { dateToTimestamp } from './time-operators.js';
import { numberToChar } from './to-char-number.js';
import { intervalToChar, timestampToChar } from './to-char-time.js';

export function quoteIdentifier(name: string): string {
  return /^[a-z_][a-z0-9_]*$/.test(name) && !RESERVED.has(name) ? name : `"${name.replaceAll('"', '""')}"`;
}

/** PostgreSQL's reserved words: names that must be quoted. */
const RESERVED: ReadonlySet<string> = new Set(
  (
    'all analyse analyze and any array as asc asymmetric both case cast check collate column constraint create ' +
    'current_catalog current_date current_role current_time current_timestamp current_user default deferrable desc ' +
    'distinct do else end except false fetch for foreign from grant group having in initially intersect into lateral ' +
    'leading limit localtime localtimestamp not null offset on only or order placing primary references returning ' +
    'select session_user some symmetric table then to trailing true union unique user using variadic when where ' +
    'window with between bigint bit boolean char character coalesce dec decimal exists extract float greatest ' +
    'grouping inout int integer interval least national nchar none normalize nullif numeric out overlay position ' +
    'precision real row setof smallint substring time timestamp treat trim values varchar authorization binary ' +
    'concurrently cross freeze full ilike inner is isnull join left like natural notnull outer overlaps right ' +
    'similar verbose'
  ).split(' '),
);

export function quoteLiteral(text: string): string {
  const quoted = `'${text.replaceAll("'", "''").replaceAll('\\', '\\\\')}'`;
  return text.includes('\\') ? `E${quoted}` : quoted;
}

const SPECIFIER = /%(?:(\d+)\$)?(-)?(?:(\d+)|\*(?:(\d+)\$)?)?([sIL%])|%/g;
const WIDTH_MAX = 1 << 20;

/** format('%s %I %L', …): %n$ for a place, - and a width. */
function format(pattern: string, args: readonly SqlValue[]): string {
  let next = 0;
  const take = (place: string | undefined): SqlValue => {
    const index = place === undefined ? next : Number(place) - 1;
    if (index < 0)
      throw sqlError(
        INVALID_PARAMETER_VALUE,
        'format specifies argument 0, but arguments are numbered from 1',
      );
    if (index >= args.length) throw sqlError(INVALID_PARAMETER_VALUE, 'too few arguments for format()');
    next = index + 1;
    return args[index];
  };
  const result = pattern.replace(SPECIFIER, (whole, place, minus, width, widthPlace, kind) => {
    if (kind === undefined) {
      throw sqlError(INVALID_PARAMETER_VALUE, 'unrecognized or unterminated format() type specifier');
    }
    if (kind === '%') return '%';
    let size = Number(width ?? 0);
    if (whole.includes('*')) size = Number(take(widthPlace) ?? 0);
    if (Math.abs(size) > WIDTH_MAX) throw sqlError('54000', `a width is limited to ${WIDTH_MAX}`);
    const text = formatArgument(take(place), kind);
    const missing = ' '.repeat(Math.max(0, Math.abs(size) - characterCount(text)));
    return minus !== undefined || size < 0 ? text + missing : missing + text;
  });
  checkTextLength(result.length);
  return result;
}

function formatArgument(value: SqlValue, kind: string): string {
  if (kind === 's') return value === null ? '' : toText(value);
  if (kind === 'L') return value === null ? 'NULL' : quoteLiteral(toText(value));
  if (value === null) throw sqlError('22004', 'null values cannot be formatted as an SQL identifier');
  return quoteIdentifier(toText(value));
}

/** Bytes are texts here: UTF-8 going in; what comes out must be UTF-8 again. */
function encode(text: string, name: string): string {
  const bytes = Buffer.from(text, 'utf8');
  switch (name.toLowerCase()) {
    case 'hex':
      return bytes.toString('hex');
    case 'base64':
      // Lines of 76, as MIME has them.
      return bytes.toString('base64').replace(/.{76}(?=.)/g, '$&\n');
    case 'escape':
      return text.replaceAll('\\', '\\\\');
    default:
      throw sqlError(INVALID_PARAMETER_VALUE, `unrecognized encoding: "${name}"`);
  }
}

function decode(text: string, name: string): string {
  const compact = text.replace(/\s/g, '');
  let bytes: Buffer;
  switch (name.toLowerCase()) {
    case 'hex':
      if (!/^(?:[0-9a-f]{2})*$/i.test(compact))
        throw sqlError(INVALID_PARAMETER_VALUE, 'invalid hexadecimal digit');
      bytes = Buffer.from(compact, 'hex');
      break;
    case 'base64':
      if (!/^[A-Za-z0-9+/]*={0,2}$/.test(compact) || compact.length % 4 !== 0) {
        throw sqlError(INVALID_PARAMETER_VALUE, 'invalid base64 end sequence');
      }
      bytes = Buffer.from(compact, 'base64');
      break;
    case 'escape':
      return text.replaceAll('\\\\', '\\');
    default:
      throw sqlError(INVALID_PARAMETER_VALUE, `unrecognized encoding: "${name}"`);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw sqlError('22021', 'the decoded bytes are not UTF-8 text');
  }
}

function anyToChar(value: SqlValue, pattern: string): string | null {
  if (isNumber(value)) return numberToChar(value, pattern);
  if (value instanceof Timestamp) return timestampToChar(value, pattern);
  if (value instanceof SqlDate) return timestampToChar(dateToTimestamp(value), pattern);
  if (value instanceof Interval) return intervalToChar(value, pattern);
  if (value instanceof SqlTime) return intervalToChar(new Interval(0, 0, value.micros), pattern);
  return timestampToChar(castValue(value, 'timestamptz') as Timestamp, pattern);
}

export const FORMATTING: readonly FunctionDefinition[] = [
  two<Timestamp, string>('to_char', ['timestamptz', 'text'], 'text', timestampToChar),
  two<Timestamp, string>('to_char', ['timestamp', 'text'], 'text', timestampToChar),
  two<Interval, string>('to_char', ['interval', 'text'], 'text', intervalToChar),
  two<SqlNumber, string>('to_char', ['int8', 'text'], 'text', numberToChar),
  two<SqlNumber, string>('to_char', ['numeric', 'text'], 'text', numberToChar),
  two<SqlNumber, string>('to_char', ['float8', 'text'], 'text', numberToChar),
  two<SqlValue, string>('to_char', ['any', 'text'], 'text', anyToChar, { membersOnly: true }),
  two<string>('to_timestamp', ['text', 'text'], 'timestamptz', toTimestamp),
  two<string>('to_date', ['text', 'text'], 'date', toDate),
  two<string>('to_number', ['text', 'text'], 'numeric', toNumber),
  one<string>('quote_ident', 'text', 'text', quoteIdentifier),
  one<SqlValue>('quote_literal', 'any', 'text', (value) => quoteLiteral(castToText(value))),
  one<SqlValue>(
    'quote_nullable',
    'any',
    'text',
    (value) => (value === null ? 'NULL' : quoteLiteral(castToText(value))),
    {
      strict: false,
    },
  ),
  many(
    'format',
    ['text', 'any'],
    'text',
    ([pattern, ...args]) => (pattern === null ? null : format(pattern as string, args)),
    {
      strict: false,
      variadic: true,
    },
  ),
  two<string>('encode', ['text', 'text'], 'text', encode),
  two<string>('decode', ['text', 'text'], 'text', decode),
];
