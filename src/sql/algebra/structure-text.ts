/** Structural equality of expressions and parts of them: equal ones have the same text, others another. Pure. */

/** No text of JSON's own begins with it where a member is named or a type is given. */
const TAG = '\u0000';

/** JSON, with what JSON makes the same or refuses (NaN, infinities, -0, integers beyond doubles) as texts with a tag. */
export function structureText(value: unknown): string {
  return JSON.stringify(value, tagged);
}

function tagged(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${TAG}${value}n`;
  if (typeof value !== 'number') return value;
  return Number.isFinite(value) && !Object.is(value, -0)
    ? value
    : `${TAG}${Object.is(value, -0) ? '-0' : value}`;
}
