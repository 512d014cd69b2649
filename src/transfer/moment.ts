/** Points in time as texts: what the timestamp type of an import reads, and the one form that is written. Pure. */

const MOMENT =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?)?(?: ?(Z|z|[+-]\d{2}(?::?\d{2})?))?$/;
/** 2026-01-15T08:00:00.000Z: what Date writes, and nothing else. */
const CANONICAL = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{3}Z$/;

/** The canonical text of an ISO date with an optional time and zone (without one: UTC); undefined: it is none. */
export function parseMoment(text: string): string | undefined {
  const match = MOMENT.exec(text);
  if (match === null) return undefined;
  const [, date, time = '00:00', seconds = ':00', zone = 'Z'] = match;
  const fullZone = /^[+-]\d{2}$/.test(zone) ? `${zone}:00` : zone.replace(/^([+-]\d{2})(\d{2})$/, '$1:$2');
  const milliseconds = seconds.replace(/(\.\d{3})\d+$/, '$1');
  const moment = new Date(`${date}T${time}${milliseconds}${fullZone.toUpperCase()}`);
  if (Number.isNaN(moment.getTime()) || !isRealDate(date)) return undefined;
  const written = moment.toISOString();
  return CANONICAL.test(written) ? written : undefined;
}

/** Date takes 31 February for 3 March. */
function isRealDate(date: string): boolean {
  return new Date(`${date}T00:00:00Z`).toISOString().startsWith(date);
}

/** Milliseconds since 1970 of a text in canonical form; undefined for every other text. */
export function canonicalMoment(text: string): number | undefined {
  if (!CANONICAL.test(text)) return undefined;
  const ms = Date.parse(text);
  // Only what is written back as the same text: not 24:00, not 31 February.
  return !Number.isNaN(ms) && new Date(ms).toISOString() === text ? ms : undefined;
}
