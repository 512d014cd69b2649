/** The first text behind all that share a beginning, in the order of code points. Pure. */

const LAST_CODE_POINT = 0x10ffff;

/** Smallest text that is larger than all that begin with `prefix`; undefined when there is none. */
export function textAfterPrefix(prefix: string): string | undefined {
  const points = [...prefix].map((character) => character.codePointAt(0) as number);
  while (points.length > 0) {
    const last = points.pop() as number;
    if (last >= LAST_CODE_POINT) continue;
    const next = last + 1 >= 0xd800 && last + 1 < 0xe000 ? 0xe000 : last + 1;
    return String.fromCodePoint(...points, next);
  }
  return undefined;
}
