/**
 * Short strings that come again and again, such as states and countries: found by their bytes, so that no new string is made
 * for each row (and hash tables find the hash of the string already computed). A cache that does not help switches
 * itself off. One field, one thread.
 */
import { decodeString } from '../../json/text.js';

const SLOTS = 1024;
const TEXT_BYTES_MAX = 24;
/** From so many misses on, at least half of the lookups have to be hits. */
const TRIAL_MISSES = 2048;

export class TextCache {
  isUseful = true;
  private readonly texts: (string | undefined)[] = new Array(SLOTS).fill(undefined);
  private readonly lengths = new Uint8Array(SLOTS);
  private readonly contents = new Uint8Array(SLOTS * TEXT_BYTES_MAX);
  private lookups = 0;
  private misses = 0;

  /** The string whose contents are bytes[start, end). */
  get(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    this.lookups++;
    if (length > TEXT_BYTES_MAX) return this.miss(bytes, start, end, -1);
    let hash = length;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]) | 0;
    const slot = (hash ^ (hash >>> 10)) & (SLOTS - 1);
    if (this.lengths[slot] === length) {
      const { contents } = this;
      const base = slot * TEXT_BYTES_MAX;
      let same = 0;
      while (same < length && contents[base + same] === bytes[start + same]) same++;
      if (same === length) {
        const text = this.texts[slot];
        if (text !== undefined) return text;
      }
    }
    return this.miss(bytes, start, end, slot);
  }

  private miss(bytes: Uint8Array, start: number, end: number, slot: number): string {
    if (++this.misses >= TRIAL_MISSES && this.misses * 2 > this.lookups) this.isUseful = false;
    const text = decodeString(bytes, start, end);
    if (slot < 0) return text;
    const length = end - start;
    const base = slot * TEXT_BYTES_MAX;
    // Of a string with escapes these are not the text, but the same bytes still mean the same text.
    for (let i = 0; i < length; i++) this.contents[base + i] = bytes[start + i];
    this.lengths[slot] = length;
    this.texts[slot] = text;
    return text;
  }
}
