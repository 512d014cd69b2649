/** Offsets of time zones from UTC: fixed ones, common abbreviations, and IANA names through Intl. */
import { INVALID_PARAMETER_VALUE, sqlError } from '../errors.js';
import { MICROS_PER_HOUR, MICROS_PER_MINUTE, MICROS_PER_SECOND } from './calendar.js';

/** Minutes east of UTC of the abbreviations that PostgreSQL's default set has and people use. */
const ABBREVIATION_MINUTES: ReadonlyMap<string, number> = new Map([
  ['utc', 0],
  ['gmt', 0],
  ['z', 0],
  ['zulu', 0],
  ['uct', 0],
  ['wet', 0],
  ['west', 60],
  ['bst', 60],
  ['cet', 60],
  ['met', 60],
  ['cest', 120],
  ['mest', 120],
  ['eet', 120],
  ['eest', 180],
  ['msk', 180],
  ['ist', 120],
  ['pkt', 300],
  ['jst', 540],
  ['kst', 540],
  ['aest', 600],
  ['aedt', 660],
  ['nzst', 720],
  ['nzdt', 780],
  ['hst', -600],
  ['akst', -540],
  ['akdt', -480],
  ['pst', -480],
  ['pdt', -420],
  ['mst', -420],
  ['mdt', -360],
  ['cst', -360],
  ['cdt', -300],
  ['est', -300],
  ['edt', -240],
  ['ast', -240],
  ['adt', -180],
  ['nst', -210],
  ['ndt', -150],
]);

const FORMATTERS_MAX = 64;
/** Formatters are slow to make. Per thread. */
const formatters = new Map<string, Intl.DateTimeFormat | undefined>();

const FIXED = /^([+-])(\d{1,2})(?::?(\d{2}))?(?::?(\d{2}))?$/;

/** `+05:30` in microseconds, east positive; undefined when it is no offset. */
export function parseFixedOffset(text: string): number | undefined {
  const match = FIXED.exec(text);
  if (match === null) return undefined;
  const hours = Number(match[2]);
  const minutes = Number(match[3] ?? 0);
  const seconds = Number(match[4] ?? 0);
  if (hours > 15 || minutes > 59 || seconds > 59) return undefined;
  const micros = hours * MICROS_PER_HOUR + minutes * MICROS_PER_MINUTE + seconds * MICROS_PER_SECOND;
  return (match[1] === '-' ? -micros : micros) + 0;
}

export function abbreviationOffset(name: string): number | undefined {
  const minutes = ABBREVIATION_MINUTES.get(name.toLowerCase());
  return minutes === undefined ? undefined : minutes * MICROS_PER_MINUTE;
}

function formatterOf(zone: string): Intl.DateTimeFormat | undefined {
  if (formatters.has(zone)) return formatters.get(zone);
  if (formatters.size >= FORMATTERS_MAX) formatters.clear();
  let formatter: Intl.DateTimeFormat | undefined;
  try {
    formatter = new Intl.DateTimeFormat('en-US', {
      timeZone: zone,
      hourCycle: 'h23',
      era: 'short',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
  } catch {
    formatter = undefined;
  }
  formatters.set(zone, formatter);
  return formatter;
}

/** Whether a name is one that this file knows. */
export const isZoneName = (zone: string): boolean =>
  abbreviationOffset(zone) !== undefined || formatterOf(zone) !== undefined;

function namedOffset(formatter: Intl.DateTimeFormat, utcMicros: number): number {
  const milliseconds = Math.floor(utcMicros / 1000);
  const parts = new Map(formatter.formatToParts(milliseconds).map(({ type, value }) => [type, value]));
  const read = (type: Intl.DateTimeFormatPartTypes): number => Number(parts.get(type));
  const year = parts.get('era') === 'BC' ? 1 - read('year') : read('year');
  const local = Date.UTC(2000, read('month') - 1, read('day'), read('hour'), read('minute'), read('second'));
  const shifted = new Date(local).setUTCFullYear(year, read('month') - 1, read('day'));
  return (shifted - Math.floor(milliseconds / 1000) * 1000) * 1000;
}

/** The offset east of UTC that a zone has at a time in UTC. A fixed `+05` counts as east, too. */
export function zoneOffsetAt(zone: string, utcMicros: number): number {
  const fixed = parseFixedOffset(zone) ?? abbreviationOffset(zone);
  if (fixed !== undefined) return fixed;
  const formatter = formatterOf(zone);
  if (formatter === undefined) throw sqlError(INVALID_PARAMETER_VALUE, `time zone "${zone}" not recognized`);
  return Number.isFinite(utcMicros) ? namedOffset(formatter, utcMicros) : 0;
}

const DAY_MICROS = 24 * MICROS_PER_HOUR;

/**
 * The offset that a zone has at a local time. Of an hour that comes twice in autumn, the second one; in the hour that is
 * skipped in spring, the offset from before.
 */
export function zoneOffsetAtLocal(zone: string, localMicros: number): number {
  const before = zoneOffsetAt(zone, localMicros - DAY_MICROS);
  const after = zoneOffsetAt(zone, localMicros + DAY_MICROS);
  if (before === after) return before;
  return zoneOffsetAt(zone, localMicros - after) === after ? after : before;
}
