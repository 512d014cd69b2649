/** Small helpers over byte arrays, for hot paths. */

/** Above this, a native copy beats a loop (the subarray view costs ~60 ns first). */
const COPY_LOOP_MAX = 96;

/** Copies bytes between typed arrays; source and target ranges must not overlap. */
export function copyBytes(
  source: Uint8Array,
  sourceStart: number,
  target: Uint8Array,
  targetStart: number,
  count: number,
): void {
  if (count <= COPY_LOOP_MAX) {
    for (let i = 0; i < count; i++) target[targetStart + i] = source[sourceStart + i];
    return;
  }
  target.set(source.subarray(sourceStart, sourceStart + count), targetStart);
}

/** Lower and upper word of a non-negative integer below 2^53; int32 and uint32 arrays both take them. */
export const lowWord = (value: number): number => value % 4294967296;
export const highWord = (value: number): number => Math.floor(value / 4294967296);
export const fromWords = (low: number, high: number): number => (low >>> 0) + high * 4294967296;
