/** Text of a tree of plain objects with SQL values in it, such as an expression: the same for equal trees only. Pure. */

export const structureText = (tree: unknown): string => JSON.stringify(tree, exactly);

/** What JSON has no number for. A text of SQL cannot begin like that. */
const MARK = '\u0000';

function exactly(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return `${MARK}${value}n`;
  if (typeof value !== 'number' || (Number.isFinite(value) && !Object.is(value, -0))) return value;
  return `${MARK}${Object.is(value, -0) ? '-0' : value}`;
}
