/**
 * The planner's statistics for query threads: written once by the main thread into shared memory, read by a thread when it first
 * meets a version of them. A statement carries a reference only; a copy of all histograms with every statement cost a
 * millisecond and more, on three threads.
 */
import { deserialize, serialize } from 'node:v8';
import { SnapshotStatistics, type StatisticsSnapshot } from '../../sql/plan/statistics-snapshot.js';

export interface SharedStatistics {
  /** Another picture has another version. */
  readonly version: number;
  /** A StatisticsSnapshot as V8 serialises it; not written again. */
  readonly bytes: SharedArrayBuffer;
}

export function shareStatistics(version: number, snapshot: StatisticsSnapshot): SharedStatistics {
  const text = serialize(snapshot);
  const bytes = new SharedArrayBuffer(text.length);
  new Uint8Array(bytes).set(text);
  return { version, bytes };
}

/** A query thread's copy of the last statistics it has met. */
export class StatisticsReader {
  private version = -1;
  private statistics: SnapshotStatistics | undefined;

  of({ version, bytes }: SharedStatistics): SnapshotStatistics {
    if (this.statistics === undefined || version !== this.version) {
      // The copy: deserialize() does not take shared memory.
      this.statistics = new SnapshotStatistics(deserialize(Buffer.from(new Uint8Array(bytes).slice())));
      this.version = version;
    }
    return this.statistics;
  }
}
