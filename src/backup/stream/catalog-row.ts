/**
 * The catalogs of a WAL stream, in the order in which they came: which was the last one to be shipped, and which wait. Pure; the
 * one who uses it stores `entries` (stream-state.ts).
 */
import type { StreamedCatalog } from './stream-state.js';

export class CatalogRow {
  /** The last one that was shipped, if one was, and all behind it. */
  private row: StreamedCatalog[];

  /** `current`: the text of catalog.json, or undefined when there is none. */
  constructor(stored: readonly StreamedCatalog[], current: string | undefined) {
    this.row = [...stored];
    // Written down for a change of catalog.json that never happened.
    const last = this.row.at(-1);
    if (last !== undefined && !last.is_shipped && last.text !== current) this.row.pop();
  }

  get entries(): readonly StreamedCatalog[] {
    return this.row;
  }

  get waiting(): readonly StreamedCatalog[] {
    return this.row.filter(({ is_shipped }) => !is_shipped);
  }

  /** A catalog comes behind `seqno`. False when it is the one that holds already. */
  add(text: string, seqno: number, wallClockMs: number): boolean {
    const last = this.row.at(-1);
    if (last?.text === text) return false;
    const number = (last?.number ?? 0) + 1;
    // Never in front of the one before it, whatever is known of seqnos while a server starts.
    const behind = Math.max(seqno, last?.seqno ?? 0);
    this.row.push({ number, seqno: behind, wall_clock_ms: wallClockMs, text, is_shipped: false });
    return true;
  }

  shipped(catalog: StreamedCatalog): void {
    this.row = this.row
      .filter(({ number }) => number >= catalog.number)
      .map((each) => (each.number === catalog.number ? { ...each, is_shipped: true } : each));
  }
}
