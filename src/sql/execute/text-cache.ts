/**
 * Short strings that come again and again, such as states, countries and references: found by their bytes, so that no new
 * string is made for each row (and hash tables find the hash of the string already computed). Grows with the number of
 * different strings; a cache that does not help at its largest switches itself off. One field, one thread.
 */
import { decodeText } from './json-text.js';

const SLOTS_MIN = 256;
const SLOTS_MAX = 65_536;
const GROWTH = 16;
/** Fewer hits in a hundred, and a larger cache would not help either: all strings are different. */
const HIT_PERCENT_MIN = 5;
const TEXT_BYTES_MAX = 24;

export class TextCache {
  isUseful = true;
  private slots = SLOTS_MIN;
  private texts: (string | undefined)[] = new Array(SLOTS_MIN).fill(undefined);
  private lengths = new Uint8Array(SLOTS_MIN);
  private contents = new Uint8Array(SLOTS_MIN * TEXT_BYTES_MAX);
  /** Since it last grew. */
  private lookups = 0;
  private misses = 0;

  /** The string whose contents are bytes[start, end). */
  get(bytes: Uint8Array, start: number, end: number): string {
    const length = end - start;
    this.lookups++;
    if (length > TEXT_BYTES_MAX) return this.miss(bytes, start, end, -1);
    let hash = length;
    for (let at = start; at < end; at++) hash = (Math.imul(hash, 31) + bytes[at]) | 0;
    // Multiplied again: strings that end in a number differ in the low bits only by little.
    hash = Math.imul(hash, 0x9e3779b1);
    const slot = (hash >>> 16) & (this.slots - 1);
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
    this.misses++;
    if (this.misses > 2 * this.slots && this.misses * 4 > this.lookups) this.grow();
    const text = decodeText(bytes, start, end);
    if (slot < 0 || slot >= this.slots) return text;
    const length = end - start;
    const base = slot * TEXT_BYTES_MAX;
    // Of a string with escapes these are not the text, but the same bytes still mean the same text.
    for (let i = 0; i < length; i++) this.contents[base + i] = bytes[start + i];
    this.lengths[slot] = length;
    this.texts[slot] = text;
    return text;
  }

  /** Empty again, and larger. */
  private grow(): void {
    const isLargest = this.slots >= SLOTS_MAX;
    const hits = this.lookups - this.misses;
    const isHopeless = hits * 100 < this.lookups * HIT_PERCENT_MIN;
    if (isHopeless || (isLargest && hits < this.misses)) {
      this.isUseful = false;
      this.slots = 0;
      this.texts = [];
      this.contents = new Uint8Array(0);
    } else if (!isLargest) {
      this.slots *= GROWTH;
      this.texts = new Array(this.slots).fill(undefined);
      this.lengths = new Uint8Array(this.slots);
      this.contents = new Uint8Array(this.slots * TEXT_BYTES_MAX);
    }
    this.lookups = 0;
    this.misses = 0;
  }
}
