/** One front as the supervisor sees it. Main thread only. */

import { createDoorbell } from '../shm/doorbell.js';
import { createPulses, Pulse } from '../shm/pulse.js';
import {
  createStatsBlock,
  FRONT_BODY_BYTES,
  FRONT_CELLS,
  FRONT_CONNECTIONS,
  FRONT_INDEX_BYTES,
  FRONT_OPEN_TABLES,
  FRONT_PENDING_WRITES,
  FRONT_ROW_CACHE_CAPACITY_BYTES,
  FRONT_ROW_CACHE_USED_BYTES,
  FRONT_WEBSOCKETS,
} from '../shm/stats-format.js';
import type { FrontControl } from './front-thread.js';
import type { ThreadHandle } from './thread-handle.js';

const GAUGES = [
  FRONT_CONNECTIONS,
  FRONT_WEBSOCKETS,
  FRONT_BODY_BYTES,
  FRONT_PENDING_WRITES,
  FRONT_INDEX_BYTES,
  FRONT_OPEN_TABLES,
  FRONT_ROW_CACHE_USED_BYTES,
  FRONT_ROW_CACHE_CAPACITY_BYTES,
];

export class FrontSlot {
  readonly stats = createStatsBlock(FRONT_CELLS);
  readonly pulse = createPulses();
  doorbell = createDoorbell();
  /** Undefined while it is down. */
  thread: ThreadHandle<FrontControl> | undefined;
  restarts = 0;

  constructor(readonly front: number) {}

  /** For a new thread. What a dead one held open is gone with it; its counters go on. */
  renew(): void {
    this.doorbell = createDoorbell();
    new Pulse(this.pulse).end();
    const cells = new Float64Array(this.stats);
    for (const gauge of GAUGES) cells[gauge] = 0;
  }
}
