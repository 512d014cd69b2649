/**
 * Contents of one file of the memory file system: what a reader sees now, what a power cut is sure to leave, and
 * the changes in between. Only memory.ts uses it.
 */
import type { Prng } from '../base/prng.js';

/** The unit a device writes whole or not at all. */
export const SECTOR_BYTES = 512;

/**
 * What happens to everything that was not synced: `lost` and `kept` treat all alike, `mixed` lets the generator
 * decide for each change whether it is kept, dropped, or torn at a sector boundary.
 */
export type CrashMode = 'mixed' | 'lost' | 'kept';

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Uint8Array }
  | { readonly kind: 'truncate'; readonly size: number };

/**
 * A growable byte array that reads as zeros wherever nothing was written. Memory is taken up to the last byte written:
 * a file made long by truncate() costs nothing yet.
 */
class Content {
  /** May be shorter than the file, or longer; zeros beyond the size. */
  private bytes = new Uint8Array(0);
  size = 0;

  write(source: Uint8Array, position: number): void {
    const end = position + source.length;
    this.reserve(end);
    this.bytes.set(source, position);
    if (end > this.size) this.size = end;
  }

  truncate(size: number): void {
    if (size < this.size) this.bytes.fill(0, size, this.size);
    this.size = size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    const count = Math.max(0, Math.min(length, this.size - position));
    const stored = this.bytes.subarray(position, position + count);
    target.set(stored, offset);
    target.fill(0, offset + stored.length, offset + count);
    return count;
  }

  copy(): Content {
    const copy = new Content();
    copy.bytes = this.bytes.slice(0, this.size);
    copy.size = this.size;
    return copy;
  }

  private reserve(capacity: number): void {
    if (capacity <= this.bytes.length) return;
    const grown = new Uint8Array(Math.max(capacity, this.bytes.length * 2));
    grown.set(this.bytes.subarray(0, this.size));
    this.bytes = grown;
  }
}

export class MemoryInode {
  private current = new Content();
  private durable = new Content();
  private unsynced: Change[] = [];
  /** Stands for the time of the last one: there is no clock here. */
  changes = 0;

  /** Without `modelsPowerCuts` contents are kept once and no change is remembered: a power cut has no answer then. */
  constructor(private readonly modelsPowerCuts = true) {}

  get size(): number {
    return this.current.size;
  }

  read(target: Uint8Array, offset: number, length: number, position: number): number {
    return this.current.read(target, offset, length, position);
  }

  /** Keeps a copy: the caller may reuse its buffer at once. */
  write(source: Uint8Array, position: number): void {
    this.changes++;
    this.current.write(source, position);
    if (!this.modelsPowerCuts) return;
    const bytes = source.slice();
    this.unsynced.push({ kind: 'write', position, bytes });
  }

  truncate(size: number): void {
    this.changes++;
    this.current.truncate(size);
    if (this.modelsPowerCuts) this.unsynced.push({ kind: 'truncate', size });
  }

  sync(): void {
    for (const change of this.unsynced) applyWhole(this.durable, change);
    this.unsynced = [];
  }

  /** The process died, the machine did not: all is still readable, and as unsynced as before. */
  afterKill(): MemoryInode {
    const copy = new MemoryInode(this.modelsPowerCuts);
    copy.current = this.current.copy();
    copy.durable = this.durable.copy();
    copy.unsynced = [...this.unsynced];
    copy.changes = this.changes;
    return copy;
  }

  /** The power failed: the synced contents, with each later change treated as `mode` says. */
  afterPowerCut(prng: Prng, mode: CrashMode): MemoryInode {
    const left = this.durable.copy();
    for (const change of this.unsynced) {
      if (mode === 'kept') applyWhole(left, change);
      else if (mode === 'mixed') applySome(left, change, prng);
    }
    const copy = new MemoryInode();
    copy.durable = left;
    copy.current = left.copy();
    copy.changes = this.changes;
    return copy;
  }
}

function applyWhole(content: Content, change: Change): void {
  if (change.kind === 'write') content.write(change.bytes, change.position);
  else content.truncate(change.size);
}

function applySome(content: Content, change: Change, prng: Prng): void {
  const fate = prng.nextBelow(4);
  if (fate === 0) return;
  if (fate === 1 || change.kind === 'truncate') {
    applyWhole(content, change);
    return;
  }
  const sectors = splitAtSectors(change.bytes, change.position);
  // Fate 2: the device got through a prefix. Fate 3: it reordered sectors, and any subset arrived.
  const prefix = prng.nextBelow(sectors.length + 1);
  sectors.forEach((sector, index) => {
    const arrived = fate === 2 ? index < prefix : prng.nextBelow(2) === 1;
    if (arrived) content.write(sector.bytes, sector.position);
  });
}

function splitAtSectors(bytes: Uint8Array, position: number): Array<{ bytes: Uint8Array; position: number }> {
  const pieces: Array<{ bytes: Uint8Array; position: number }> = [];
  let start = 0;
  while (start < bytes.length) {
    const at = position + start;
    const end = Math.min(bytes.length, start + SECTOR_BYTES - (at % SECTOR_BYTES));
    pieces.push({ bytes: bytes.subarray(start, end), position: at });
    start = end;
  }
  return pieces;
}
