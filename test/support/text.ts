/** Keys and values of tests: text in, bytes out, and back. */
const encoder = new TextEncoder();

export const utf8 = (text: string): Uint8Array => encoder.encode(text);

/** Text of bytes that may lie in shared memory. */
export function textOf(bytes: Uint8Array, start = 0, length = bytes.length - start): string {
  return Buffer.from(bytes.slice(start, start + length)).toString();
}

/** Order of two byte strings, as Buffer.compare has it. */
export function compareBytes(a: Uint8Array, b: Uint8Array): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}
