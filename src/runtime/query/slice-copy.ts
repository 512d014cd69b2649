/** A slice of a scan copied out of shared memory: documents and keys one behind the other in one buffer. One thread. */
import type { DocumentPlace, Visit } from '../../sql/execute/source.js';

/** Grows as it fills: zeroing a large buffer would cost more than a short scan does. */
const INITIAL_BYTES = 8 * 1024;

interface CopiedEntry {
  readonly keyStart: number;
  readonly keyLength: number;
  readonly length: number;
  readonly seqno: number;
}

export class SliceCopy {
  isInUse = false;
  private bytes = new Uint8Array(INITIAL_BYTES);
  private used = 0;
  private readonly entries: CopiedEntry[] = [];

  begin(): void {
    this.isInUse = true;
    this.used = 0;
    this.entries.length = 0;
  }

  end(): void {
    this.isInUse = false;
  }

  /** Always true: the signature of a visitor. */
  add(place: DocumentPlace, key: Uint8Array, keyOffset: number, keyLength: number): true {
    const { offset, length, seqno } = place;
    this.makeRoom(keyLength + length);
    this.bytes.set(key.subarray(keyOffset, keyOffset + keyLength), this.used);
    this.bytes.set(place.bytes.subarray(offset, offset + length), this.used + keyLength);
    this.entries.push({ keyStart: this.used, keyLength, length, seqno });
    this.used += keyLength + length;
    return true;
  }

  /** False when the visitor wanted no more. */
  visit(visit: Visit): boolean {
    const { bytes } = this;
    for (const { keyStart, keyLength, length, seqno } of this.entries) {
      const place = { bytes, offset: keyStart + keyLength, length, seqno };
      if (!visit(place, bytes, keyStart, keyLength)) return false;
    }
    return true;
  }

  private makeRoom(bytes: number): void {
    if (this.used + bytes <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.used + bytes));
    larger.set(this.bytes.subarray(0, this.used));
    this.bytes = larger;
  }
}
