import test from 'ava';
import { ManualClock } from '../../src/base/clock.js';
import type { ShardEngine } from '../../src/engine/shard-engine.js';
import type { ShardLink } from '../../src/ipc/shard-server.js';
import { ShardLoop } from '../../src/runtime/shard-loop.js';
import type { ShardMeter } from '../../src/runtime/shard-meter.js';
import { BlockingDoorbell, createDoorbell } from '../../src/shm/doorbell.js';
import { encodeBatch, put } from '../support/batches.js';

/** One batch fills a group. */
const GROUP_FILLER = encodeBatch([put('k', 'x'.repeat(16 * 1024 * 1024))]);

/** A link with that many batches waiting; the loop calls no more of it than this. */
function linkOf(front: number, batches: number): ShardLink {
  let waiting = batches;
  const link = {
    front,
    depthBytes: () => waiting,
    next: (view: { open(bytes: Uint8Array): unknown }) => {
      if (waiting === 0) return false;
      waiting--;
      view.open(GROUP_FILLER);
      return true;
    },
    release: () => {},
    ring: () => {},
  };
  return link as unknown as ShardLink;
}

test('fronts that each fill a group are served in turn', (t) => {
  const served: number[] = [];
  const engine = {
    stage: (_view: unknown, link: ShardLink) => {
      served.push(link.front);
      return 'staged';
    },
    commit: () => {},
    flush: () => {},
    syncDueInMs: () => undefined,
  };
  const loop = new ShardLoop({
    engine: engine as unknown as ShardEngine, // what the loop calls
    meter: { onRound: () => {} } as unknown as ShardMeter,
    doorbell: new BlockingDoorbell(createDoorbell()),
    clock: new ManualClock(),
    spinUs: 0,
  });
  for (const front of [0, 1, 2]) loop.addLink(linkOf(front, 2));
  loop.stop();
  t.deepEqual([...served.slice(0, 3)].sort(), [0, 1, 2]);
  t.deepEqual([...served.slice(3)].sort(), [0, 1, 2]);
});
