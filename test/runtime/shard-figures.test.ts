import test from 'ava';
import { shardFigures } from '../../src/runtime/shard-figures.js';
import type { ShardIncarnation, ShardState } from '../../src/runtime/shard-slot.js';

function slot(state: ShardState, isOpen: boolean, figures: () => Promise<object[]>) {
  const thread = { call: (answer: Promise<unknown>) => answer, control: { collectionFigures: figures } };
  return { state, incarnation: { thread, isOpen } as unknown as ShardIncarnation };
}

const figures = (documents: number) => [{ collection: 1, documents, bytes: 10 * documents }];

test('a shard counts from the end of its recovery on, also before it is called ready', async (t) => {
  const shards = [
    slot('ready', true, async () => figures(1)),
    // Fronts are being connected: some of them serve it.
    slot('recovering', true, async () => figures(2)),
    slot('recovering', false, async () => figures(4)),
    slot('down', false, async () => figures(8)),
    { incarnation: undefined },
    // It ends meanwhile.
    slot('ready', true, () => Promise.reject(new Error('the thread has ended'))),
  ];
  t.deepEqual(await shardFigures(shards), [...figures(1), ...figures(2)]);
});
