/**
 * Figures of the caches, for /metrics and /status. Any thread at any time, without locks: a figure may be a few counts
 * behind the others, and grows only, except the gauges.
 */
import { type BlockCacheBuffers, segmentPlaces } from './block-cache-format.js';
import { CacheSegment } from './segment.js';
import {
  CELL_DECLINED,
  CELL_EVICTIONS,
  CELL_HITS,
  CELL_INSERTS,
  CELL_REQUESTS,
  CELL_STALE,
  SEGMENT_CONTENDED_INSERTS,
  SEGMENT_CONTENDED_READS,
} from './segment-format.js';

export interface CacheStats {
  /** Reads, those that did not get a lock included. */
  requests: number;
  hits: number;
  /** Row cache: reads that found a row which a write had made invalid. */
  stale: number;
  inserts: number;
  /** Entries that had to go to make room. */
  evictions: number;
  /** Entries that were too large. */
  declined: number;
  /** Reads and inserts that did not get a lock; wraps at 2^32 per segment. */
  contendedReads: number;
  contendedInserts: number;
  /** Gauge: entries held. */
  entries: number;
  /** Gauge: bytes in use, entries' headers included. */
  usedBytes: number;
  /** Constant: bytes of memory, everything included. */
  capacityBytes: number;
}

/** Reads the figures of a block cache. Made once, read often. */
export class CacheMeter {
  private readonly segments: readonly CacheSegment[];
  private readonly capacityBytes: number;

  private constructor(segments: readonly CacheSegment[], capacityBytes: number) {
    this.segments = segments;
    this.capacityBytes = capacityBytes;
  }

  static ofBlockCache(buffers: BlockCacheBuffers): CacheMeter {
    return new CacheMeter(
      segmentPlaces(buffers).map(
        ({ slab, byteOffset, byteLength }) => new CacheSegment(slab, byteOffset, byteLength),
      ),
      buffers.reduce((sum, slab) => sum + slab.byteLength, 0),
    );
  }

  static ofRowCache(sab: SharedArrayBuffer): CacheMeter {
    const segments = sab.byteLength === 0 ? [] : [new CacheSegment(sab, 0, sab.byteLength)];
    return new CacheMeter(segments, sab.byteLength);
  }

  read(): CacheStats {
    const stats: CacheStats = {
      requests: 0,
      hits: 0,
      stale: 0,
      inserts: 0,
      evictions: 0,
      declined: 0,
      contendedReads: 0,
      contendedInserts: 0,
      entries: 0,
      usedBytes: 0,
      capacityBytes: this.capacityBytes,
    };
    for (const segment of this.segments) {
      const { cells, words } = segment;
      const contendedReads = Atomics.load(words, SEGMENT_CONTENDED_READS) >>> 0;
      stats.requests += cells[CELL_REQUESTS] + contendedReads;
      stats.hits += cells[CELL_HITS];
      stats.stale += cells[CELL_STALE];
      stats.inserts += cells[CELL_INSERTS];
      stats.evictions += cells[CELL_EVICTIONS];
      stats.declined += cells[CELL_DECLINED];
      stats.contendedReads += contendedReads;
      stats.contendedInserts += Atomics.load(words, SEGMENT_CONTENDED_INSERTS) >>> 0;
      stats.entries += segment.entries;
      stats.usedBytes += segment.usedWords * 4;
    }
    return stats;
  }
}
