/** The UTF-8 byte order mark that Windows programs put before a text: it is no part of the first record. */
const MARK: readonly number[] = [0xef, 0xbb, 0xbf];

/** Its length at the start of the input, or 0. */
export function byteOrderMarkLength(bytes: Uint8Array, start: number, end: number): number {
  return end - start >= MARK.length && MARK.every((byte, index) => bytes[start + index] === byte)
    ? MARK.length
    : 0;
}
