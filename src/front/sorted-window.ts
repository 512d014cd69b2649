/**
 * Keeps the first N documents of a scan by the value of a field: a bounded binary heap whose root is the worst kept.
 * Order of values: missing and null, false, true, numbers, strings by code unit, then everything else by its text.
 * Documents with equal values follow `_id`, so that pages are stable.
 */
import { findPath, Span } from '../json/members.js';
import { decodeText, parseValue } from '../json/text.js';
import type { ScannedDocument } from '../router/document-reader.js';
import type { SortOrder } from './list-query.js';

interface Candidate {
  readonly rank: number;
  readonly value: number | string;
  /** Position in the scan, which is the order of `_id`. */
  readonly position: number;
  readonly bytes: Uint8Array;
}

export class SortedWindow {
  private readonly heap: Candidate[] = [];
  private readonly span = new Span();
  private seen = 0;

  constructor(
    private readonly order: SortOrder,
    private readonly size: number,
    /** Bytes of documents that may be held; above it add() returns false. */
    private readonly bytesMax: number,
  ) {}

  private heldBytes = 0;

  /** Documents offered so far. */
  get total(): number {
    return this.seen;
  }

  /** False when the window would hold too many bytes. */
  add(document: ScannedDocument): boolean {
    const candidate = this.candidate(document);
    this.seen++;
    if (this.heap.length < this.size) {
      this.heap.push(candidate);
      this.heldBytes += candidate.bytes.length;
      this.siftUp(this.heap.length - 1);
    } else if (this.compare(candidate, this.heap[0]) < 0) {
      this.heldBytes += candidate.bytes.length - this.heap[0].bytes.length;
      this.heap[0] = candidate;
      this.siftDown(0);
    }
    return this.heldBytes <= this.bytesMax;
  }

  /** The kept documents in order. */
  sorted(): Uint8Array[] {
    return [...this.heap].sort((a, b) => this.compare(a, b)).map((candidate) => candidate.bytes);
  }

  private candidate({ bytes, offset, length }: ScannedDocument): Candidate {
    const end = offset + length;
    const { rank, value } = findPath(bytes, offset, end, this.order.path, this.span)
      ? rankValue(bytes, this.span.start, this.span.end)
      : { rank: 0, value: 0 };
    return { rank, value, position: this.seen, bytes: bytes.slice(offset, end) };
  }

  private compare(a: Candidate, b: Candidate): number {
    const byValue = a.rank !== b.rank ? a.rank - b.rank : a.value < b.value ? -1 : a.value > b.value ? 1 : 0;
    const ordered = this.order.descending ? -byValue : byValue;
    return ordered !== 0 ? ordered : a.position - b.position;
  }

  private siftUp(start: number): void {
    const { heap } = this;
    for (let child = start; child > 0; ) {
      const parent = (child - 1) >> 1;
      if (this.compare(heap[child], heap[parent]) <= 0) return;
      [heap[child], heap[parent]] = [heap[parent], heap[child]];
      child = parent;
    }
  }

  private siftDown(start: number): void {
    const { heap } = this;
    for (let parent = start; ; ) {
      let worst = parent;
      for (const child of [2 * parent + 1, 2 * parent + 2]) {
        if (child < heap.length && this.compare(heap[child], heap[worst]) > 0) worst = child;
      }
      if (worst === parent) return;
      [heap[worst], heap[parent]] = [heap[parent], heap[worst]];
      parent = worst;
    }
  }
}

function rankValue(bytes: Uint8Array, start: number, end: number): { rank: number; value: number | string } {
  const value = parseValue(bytes, start, end);
  if (value === null) return { rank: 0, value: 0 };
  if (typeof value === 'boolean') return { rank: value ? 2 : 1, value: 0 };
  if (typeof value === 'number') return { rank: 3, value };
  if (typeof value === 'string') return { rank: 4, value };
  return { rank: 5, value: decodeText(bytes, start, end) };
}
