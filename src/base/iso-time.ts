/** Moments as people write them: ISO 8601 with a date and a time, to the millisecond. */

const FORM = /^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?(Z|[+-]\d{2}(:?\d{2})?)?$/i;

/** What parseIsoTime takes, for messages. */
export const ISO_TIME_FORM = 'an ISO 8601 time such as 2024-01-15T14:30:00Z (without a zone it is UTC)';

/** ms since 1970, or null. Digits behind the millisecond are cut off. */
export function parseIsoTime(text: string): number | null {
  const trimmed = text.trim();
  const match = FORM.exec(trimmed);
  if (match === null) return null;
  const zone = match[3] ?? 'Z';
  const local = trimmed.slice(0, trimmed.length - (match[3]?.length ?? 0));
  const [clock, fraction = ''] = local.replace(' ', 'T').replace(',', '.').split('.');
  const seconds = match[1] === undefined ? `${clock}:00` : clock;
  // Date.parse takes offsets with a colon only.
  const offset = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const ms = Date.parse(`${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}${offset.toUpperCase()}`);
  // 2024-02-30 is a day of March to Date.parse.
  return Number.isNaN(ms) || !isDay(seconds) ? null : ms;
}

function isDay(text: string): boolean {
  const [year, month, day] = text.slice(0, 10).split('-').map(Number);
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}
