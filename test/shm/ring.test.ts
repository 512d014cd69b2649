import test from 'ava';
import {
  createRing,
  RING_CAPACITY_MAX,
  RING_CAPACITY_MIN,
  RING_DATA_OFFSET,
  RING_MESSAGE_HEADER,
  RING_REWIND_BYTES,
  ringMessageSize,
  ringPayloadMax,
} from '../../src/shm/ring-format.js';
import { RingReader } from '../../src/shm/ring-reader.js';
import { firstWrongByte, patternPayload, type RingEnds, ringAt } from '../support/rings.js';

const CAPACITY = RING_CAPACITY_MIN;

/** Pushes message number `message` and reads it back; undefined when all is well. */
function passOne({ writer, reader, buffer }: RingEnds, message: number, length: number): string | undefined {
  if (!writer.push(patternPayload(message, length), length)) return 'push was refused';
  if (!reader.hasNext()) return 'hasNext() does not see the message';
  if (!reader.next()) return 'next() does not see the message';
  if (reader.payloadLength !== length) return `length ${reader.payloadLength}`;
  if (reader.payloadOffset % 8 !== 0) return `payload at ${reader.payloadOffset}`;
  if (reader.payloadOffset < RING_DATA_OFFSET) return `payload at ${reader.payloadOffset}, in the header`;
  if (reader.payloadOffset + length > buffer.byteLength) return 'the payload goes beyond the end';
  const wrong = firstWrongByte(new Uint8Array(buffer), reader.payloadOffset, length, message);
  if (wrong >= 0) return `byte ${wrong} differs`;
  if (reader.next()) return 'a second message';
  reader.release();
  return writer.usedBytes() === 0 ? undefined : `${writer.usedBytes()} bytes in use after release`;
}

test('every size passes through an empty ring from every place', (t) => {
  const max = ringPayloadMax(CAPACITY);
  for (let position = 0; position < CAPACITY; position += 8) {
    for (const length of [0, 1, 7, 8, 9, 64, 1000, max - 1, max]) {
      t.is(passOne(ringAt(CAPACITY, position), position + length, length), undefined);
    }
  }
});

test('three messages in flight survive the wrap at every place', (t) => {
  for (let position = 0; position < CAPACITY; position += 8) {
    const { writer, reader, buffer } = ringAt(CAPACITY, position);
    const bytes = new Uint8Array(buffer);
    const lengths = [500, 3, 700];
    for (const [message, length] of lengths.entries()) {
      if (!writer.push(patternPayload(message, length), length)) t.fail(`refused at ${position}`);
    }
    for (const [message, length] of lengths.entries()) {
      if (!reader.next() || reader.payloadLength !== length) t.fail(`message ${message} lost at ${position}`);
      if (firstWrongByte(bytes, reader.payloadOffset, length, message) >= 0) t.fail(`torn at ${position}`);
    }
    t.false(reader.next());
  }
});

test('messages keep passing while the counters wrap around 2^31 and 2^32', (t) => {
  for (const wrap of [2 ** 31, 2 ** 32]) {
    const ends = ringAt(CAPACITY, wrap - 3 * CAPACITY);
    for (let message = 0; message < 60; message++) t.is(passOne(ends, message, message * 17), undefined);
  }
});

test('a ring that is full across the counter wrap still knows that it is full', (t) => {
  for (const wrap of [2 ** 31, 2 ** 32]) {
    const { writer, reader } = ringAt(CAPACITY, wrap - CAPACITY / 2);
    const payload = new Uint8Array(56);
    let pushed = 0;
    while (writer.push(payload, payload.length)) pushed++;
    t.is(pushed, CAPACITY / 64);
    t.is(writer.usedBytes(), CAPACITY);
    t.is(reader.usedBytes(), CAPACITY);
  }
});

test('a full ring refuses without changing anything, and takes exactly what is released', (t) => {
  const { writer, reader, buffer } = ringAt(CAPACITY, 0);
  const bytes = new Uint8Array(buffer);
  let pushed = 0;
  while (writer.push(patternPayload(pushed, 56), 56)) pushed++;
  t.is(pushed, CAPACITY / 64);
  const before = bytes.slice();
  t.false(writer.push(patternPayload(99, 0), 0), 'not even an empty message fits');
  t.deepEqual(bytes, before);

  t.true(reader.next());
  t.false(writer.push(patternPayload(99, 56), 56), 'read but not released');
  reader.release();
  t.true(writer.push(patternPayload(pushed, 56), 56));
  t.false(writer.push(patternPayload(99, 0), 0));
  for (let message = 1; message <= pushed; message++) {
    t.true(reader.next());
    t.is(firstWrongByte(bytes, reader.payloadOffset, 56, message), -1);
  }
  t.false(reader.next());
});

test('a skip to the start is not written over bytes that are still in use', (t) => {
  const { writer, reader, buffer } = ringAt(CAPACITY, 0);
  const bytes = new Uint8Array(buffer);
  const half = ringPayloadMax(CAPACITY);
  t.true(writer.push(patternPayload(0, half), half));
  t.true(writer.push(patternPayload(1, 1000), 1000));
  t.true(reader.next());
  reader.release();
  t.true(reader.next()); // message 1 is being read: its bytes may not be touched
  t.true(writer.push(patternPayload(2, half), half), 'skip and message fit in front of message 1');
  t.is(firstWrongByte(bytes, reader.payloadOffset, 1000, 1), -1);
  t.false(writer.push(patternPayload(3, 8), 8), 'the front is taken up to message 1');
  t.is(firstWrongByte(bytes, reader.payloadOffset, 1000, 1), -1);
  t.true(reader.next());
  t.is(reader.payloadOffset, RING_DATA_OFFSET + RING_MESSAGE_HEADER);
  t.is(firstWrongByte(bytes, reader.payloadOffset, half, 2), -1);
});

test('an empty ring is written from the start again once it has moved far', (t) => {
  const { writer, reader } = ringAt(4 * RING_REWIND_BYTES, 0);
  const payload = new Uint8Array(64 * 1024);
  let previous = 0;
  let rewinds = 0;
  for (let message = 0; message < 100; message++) {
    t.true(writer.push(payload, payload.length));
    t.true(reader.next());
    if (reader.payloadOffset < previous) rewinds++;
    t.true(reader.payloadOffset <= RING_DATA_OFFSET + RING_REWIND_BYTES + ringMessageSize(payload.length));
    previous = reader.payloadOffset;
    reader.release();
  }
  t.true(rewinds > 10);
});

test('right behind a rewind a ring takes four times what it has held before, though the consumer releases nothing', (t) => {
  const capacity = 64 * RING_REWIND_BYTES;
  const { writer, reader } = ringAt(capacity, 0);
  const payload = new Uint8Array(30_000);
  const passAll = (): void => {
    while (reader.next());
    reader.release();
  };
  for (const burstBytes of [0.1, 0.4, 1.5, 6].map((share) => share * RING_REWIND_BYTES)) {
    let rewinds = 0;
    let previous = 0;
    for (let pass = 0; pass < 2000 && rewinds < 4; pass++) {
      t.true(writer.push(payload, payload.length));
      t.true(reader.next());
      const isRewound = reader.payloadOffset < previous;
      previous = reader.payloadOffset;
      if (isRewound) {
        rewinds++;
        // The consumer is busy with the first message behind the skip: nothing is released.
        for (let bytes = 0; bytes < burstBytes; bytes += payload.length)
          t.true(writer.push(payload, payload.length), `${bytes} of ${burstBytes} bytes`);
      }
      passAll();
    }
    t.is(rewinds, 4, 'it is rewound all the same');
  }
});

test('a ring that is not empty is not rewound', (t) => {
  const { writer, reader } = ringAt(4 * RING_REWIND_BYTES, RING_REWIND_BYTES + 8);
  t.true(writer.push(new Uint8Array(8), 8));
  t.true(writer.push(new Uint8Array(8), 8));
  t.true(reader.next());
  t.is(reader.payloadOffset, RING_DATA_OFFSET + RING_MESSAGE_HEADER, 'the first message found it empty');
  t.true(reader.next());
  t.is(reader.payloadOffset, RING_DATA_OFFSET + 3 * RING_MESSAGE_HEADER);
});

test('an empty ring takes its largest payload after a rewind as well', (t) => {
  for (let position = RING_REWIND_BYTES; position < 4 * RING_REWIND_BYTES; position += 40 * 1024) {
    const ends = ringAt(4 * RING_REWIND_BYTES, position);
    t.is(passOne(ends, position, ends.writer.payloadMax), undefined);
  }
});

test('a payload that can never fit is a programming error, not a full ring', (t) => {
  const { writer } = ringAt(CAPACITY, 0);
  t.throws(() => writer.push(new Uint8Array(CAPACITY), writer.payloadMax + 1), { name: 'AssertionError' });
});

test('messages stay readable until release, however many follow', (t) => {
  const { writer, reader, buffer } = ringAt(CAPACITY, CAPACITY - 64);
  for (let message = 0; message < 10; message++) writer.push(patternPayload(message, 90), 90);
  const offsets: number[] = [];
  while (reader.next()) offsets.push(reader.payloadOffset);
  t.is(offsets.length, 10);
  while (writer.push(patternPayload(1000, 90), 90)) {
    // fills what is left
  }
  for (const [message, offset] of offsets.entries()) {
    t.is(firstWrongByte(new Uint8Array(buffer), offset, 90, message), -1);
  }
});

test('a new reader starts behind what was released', (t) => {
  const { writer, reader, buffer } = ringAt(CAPACITY, 0);
  writer.push(patternPayload(1, 10), 10);
  writer.push(patternPayload(2, 10), 10);
  reader.next();
  reader.release();
  const successor = new RingReader(buffer);
  t.true(successor.next());
  t.is(firstWrongByte(new Uint8Array(buffer), successor.payloadOffset, 10, 2), -1);
  t.false(successor.next());
});

test('bytes that are not a message are reported, not read', (t) => {
  const { writer, reader, buffer } = ringAt(CAPACITY, 0);
  writer.push(new Uint8Array(8), 8);
  new Int32Array(buffer).fill(0, RING_DATA_OFFSET >> 2);
  t.throws(() => reader.next(), { name: 'AssertionError' });
});

test('capacities other than powers of two in range are refused', (t) => {
  for (const capacity of [0, 1000, 2048, 4097, 12288, RING_CAPACITY_MAX * 2, -4096, Number.NaN]) {
    t.throws(() => createRing(capacity), { name: 'AssertionError' });
  }
  t.notThrows(() => createRing(8192));
});
