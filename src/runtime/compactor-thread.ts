/**
 * A compactor thread: slow file work on behalf of a shard. For now it prepares spare WAL segments, so that the shard
 * never has to write 64 MiB of zeros itself; flushes and compactions join it with the SSTables.
 */
import type { MessagePort } from 'node:worker_threads';
import { toWireError, type WireError } from '../base/errors.js';
import { RealVfs } from '../vfs/real.js';
import { SegmentPool } from '../wal/segments.js';
import { exposeOn } from './endpoint.js';

export interface CompactorThreadData {
  readonly walDirectory: string;
  readonly segmentBytes: number;
  readonly sparesMax: number;
  readonly controlPort: MessagePort;
}

export interface CompactorControl {
  /** Undefined when a spare was made or none was needed. */
  prepareSpare(): WireError | undefined;
  close(): void;
}

/** Entry point of workers/compactor.ts. */
export function runCompactorThread(data: CompactorThreadData): void {
  const vfs = new RealVfs();
  const api: CompactorControl = {
    prepareSpare() {
      try {
        const { walDirectory: directory, segmentBytes, sparesMax } = data;
        new SegmentPool({ vfs, directory, segmentBytes, sparesMax }).prepareSpare();
        return undefined;
      } catch (error) {
        return toWireError(error);
      }
    },
    close() {
      setImmediate(() => data.controlPort.close());
    },
  };
  exposeOn(data.controlPort, api);
}
