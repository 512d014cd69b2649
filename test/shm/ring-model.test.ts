import test, { type ExecutionContext } from 'ava';
import type { Prng } from '../../src/base/prng.js';
import { RING_CAPACITY_MIN, RING_REWIND_BYTES, ringMessageSize } from '../../src/shm/ring-format.js';
import { oneIn, seededPrng } from '../support/random.js';
import { firstWrongByte, patternPayload, ringAt } from '../support/rings.js';

interface Message {
  readonly number: number;
  readonly length: number;
}

/** A message that was read and not released: its bytes must stay. */
interface HeldMessage extends Message {
  readonly offset: number;
}

function randomLength(prng: Prng, max: number): number {
  if (oneIn(prng, 20)) return max - prng.nextBelow(16);
  return prng.nextBelow(oneIn(prng, 4) ? max : 80);
}

/** Runs random pushes, reads and releases against an array of messages. */
function runModel(t: ExecutionContext, prng: Prng, capacity: number, position: number, steps: number): void {
  const { writer, reader, buffer } = ringAt(capacity, position);
  const bytes = new Uint8Array(buffer);
  const unread: Message[] = [];
  let held: HeldMessage[] = [];
  let inUseBytes = 0; // payloads and headers, without skips
  let number = 0;
  let refused = 0;

  const push = (): void => {
    const length = randomLength(prng, writer.payloadMax);
    const size = ringMessageSize(length);
    // A larger source array than the payload: only its first `length` bytes count.
    const source = new Uint8Array(length + 5);
    source.set(patternPayload(number, length));
    if (!writer.push(oneIn(prng, 2) ? source : source.slice(0, length), length)) {
      refused++;
      if (inUseBytes === 0) t.fail(`an empty ring refused ${length} bytes`);
      return;
    }
    inUseBytes += size;
    if (inUseBytes > capacity) t.fail(`${inUseBytes} bytes in a ring of ${capacity}`);
    unread.push({ number: number++, length });
  };
  const read = (): void => {
    const expected = unread.shift();
    if (reader.hasNext() !== (expected !== undefined)) t.fail('hasNext() is wrong');
    if (reader.next() !== (expected !== undefined)) t.fail('next() is wrong');
    if (expected === undefined) return;
    if (reader.payloadLength !== expected.length) t.fail(`message ${expected.number} has a wrong length`);
    held.push({ ...expected, offset: reader.payloadOffset });
  };
  const release = (): void => {
    for (const message of held) {
      const wrong = firstWrongByte(bytes, message.offset, message.length, message.number);
      if (wrong >= 0) t.fail(`byte ${wrong} of message ${message.number} was overwritten before its release`);
      inUseBytes -= ringMessageSize(message.length);
    }
    held = [];
    reader.release();
    if (unread.length === 0 && writer.usedBytes() !== 0) t.fail('an empty ring counts bytes in use');
  };

  for (let step = 0; step < steps; step++) {
    const choice = prng.nextBelow(10);
    if (choice < 5) push();
    else if (choice < 9) read();
    else release();
  }
  while (unread.length > 0) read();
  release();
  t.false(reader.next());
  t.true(number > steps / 20, 'the run pushed something');
  t.true(refused > 0, 'the run met a full ring');
}

test('a small ring behaves like an array, from any place and across both counter wraps', (t) => {
  const prng = seededPrng(t);
  const positions = [0, 8, 4088, 2 ** 31 - 4096, 2 ** 31 - 8, 2 ** 32 - 4096, 2 ** 32 - 8];
  for (const position of positions) runModel(t, prng, RING_CAPACITY_MIN, position, 8000);
});

test('a ring large enough to rewind behaves like an array', (t) => {
  const prng = seededPrng(t);
  runModel(t, prng, 2 * RING_REWIND_BYTES, 0, 3000);
  runModel(t, prng, 4 * RING_REWIND_BYTES, 2 ** 32 - RING_REWIND_BYTES, 3000);
});
