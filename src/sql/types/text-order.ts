/** Order of texts by code point, which is that of their UTF-8 bytes (collation C). Pure. */

/** JavaScript's own order is that of UTF-16 units, where surrogates come before U+E000 to U+FFFF. */
export function compareText(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let index = 0; index < length; index++) {
    const left = a.charCodeAt(index);
    const right = b.charCodeAt(index);
    if (left !== right) {
      if (left >= 0xd800 && right >= 0xd800) return codeOrder(left) - codeOrder(right);
      return left - right;
    }
  }
  return a.length - b.length;
}

/** Surrogates after the rest of the units. */
const codeOrder = (unit: number): number => (unit <= 0xdfff ? unit + 0x2000 : unit - 0x800);
