import test, { type ExecutionContext } from 'ava';
import { createDoorbell } from '../../src/shm/doorbell.js';
import { createRing, RING_REWIND_BYTES } from '../../src/shm/ring-format.js';
import { seedOf } from '../support/random.js';
import { HAMMER_RING_BYTES, type RingPeerData, type RingPeerResult } from '../support/ring-peers.js';
import { resultOf, startWorker } from '../support/worker.js';

const MESSAGES = 300_000;
/** Large enough that the producer starts again at the front whenever it finds the ring empty. */
const REWINDING_RING_BYTES = 2 * RING_REWIND_BYTES;
const TIMEOUT_MS = 240_000;

function twoPeers(seed: number, ringBytes: number): RingPeerData {
  return {
    ring: createRing(ringBytes),
    producerDoorbell: createDoorbell(),
    consumerDoorbell: createDoorbell(),
    seed,
    messages: MESSAGES,
  };
}

/** Runs a producer and a consumer; returns how often the producer met a full ring. */
async function hammer(t: ExecutionContext, consumerName: string, ringBytes: number): Promise<number> {
  const peers = twoPeers(seedOf(t), ringBytes);
  const [produced, consumed] = await Promise.all([
    resultOf<RingPeerResult>(startWorker('ring-producer', peers), TIMEOUT_MS),
    resultOf<RingPeerResult>(startWorker(consumerName, peers), TIMEOUT_MS),
  ]);
  t.log(
    `${produced.bytes} bytes; the producer slept ${produced.sleeps} times, the consumer ${consumed.sleeps}`,
  );
  t.is(consumed.fault, undefined);
  t.is(consumed.messages, MESSAGES);
  t.is(consumed.bytes, produced.bytes);
  t.is(produced.lostWakeUps + consumed.lostWakeUps, 0, 'a wake-up was lost');
  t.true(consumed.sleeps > 100, 'the consumer met an empty ring');
  return produced.sleeps;
}

test.serial('two threads that block pass every byte through a small ring', async (t) => {
  const fullRings = await hammer(t, 'ring-consumer', HAMMER_RING_BYTES);
  t.true(fullRings > 100);
});

test.serial('a consumer on an event loop gets every byte and loses no wake-up', async (t) => {
  const fullRings = await hammer(t, 'ring-async-consumer', HAMMER_RING_BYTES);
  t.true(fullRings > 100);
});

test.serial('a producer that rewinds an empty ring does not disturb the consumer', async (t) => {
  await hammer(t, 'ring-consumer', REWINDING_RING_BYTES);
});
