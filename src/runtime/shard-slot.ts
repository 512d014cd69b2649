/** One shard as the supervisor sees it: its threads, its shared memory and its state. Main thread only. */
import type { WireError } from '../base/errors.js';
import type { LinkBuffers } from '../ipc/link.js';
import { createPulses } from '../shm/pulse.js';
import type { CompactorKeeper } from './compactor-keeper.js';
import type { FrontControl } from './front-thread.js';
import type { ShardDirectories } from './shard-directories.js';
import type { ShardReadBuffers } from './shard-read-buffers.js';
import type { ShardControl } from './shard-thread.js';
import type { ThreadHandle } from './thread-handle.js';

export type ShardState = 'recovering' | 'ready' | 'down' | 'closed';

/** What lives and dies with one incarnation of a shard's thread. */
export interface ShardIncarnation {
  readonly thread: ThreadHandle<ShardControl>;
  readonly buffers: ShardReadBuffers;
  readonly doorbell: SharedArrayBuffer;
  /** By front: the link, and the front's thread that has it. A front that started again needs another. */
  readonly links: Map<
    number,
    { readonly link: LinkBuffers; readonly frontThread: ThreadHandle<FrontControl> }
  >;
  /** True from the end of recovery until the thread is given up: fronts may be connected. */
  isOpen: boolean;
}

export class ShardSlot {
  state: ShardState = 'recovering';
  /** Why it is not ready. */
  cause: WireError | undefined;
  /** Why it takes no writes although it is ready. */
  poison: WireError | undefined;
  /** Why the last flush failed, if it did. */
  flushError: WireError | undefined;
  incarnation: ShardIncarnation | undefined;
  restarts = 0;
  readonly pulse = createPulses();
  /** What recovery mode could not read. */
  problems: readonly string[] = [];

  constructor(
    readonly shard: number,
    readonly directories: ShardDirectories,
    readonly stats: SharedArrayBuffer,
    readonly compactor: CompactorKeeper,
  ) {
    this.cause = { code: 'SHARD_UNAVAILABLE', message: `shard ${shard} is recovering` };
  }
}
