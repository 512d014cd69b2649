import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { encodeFrame, isValidCloseCode, maskInPlace } from '../../src/client/websocket-frame.js';
import { type ReceiveFault, WebSocketReceiver } from '../../src/client/websocket-receiver.js';
import { serverFrame } from '../support/fake-server.js';
import { testSeed } from '../support/random.js';
import { cpuMs } from '../support/time.js';

const MESSAGE_BYTES_MAX = 1_000_000;

class Recorder {
  readonly events: string[] = [];
  onBinary(bytes: Uint8Array): void {
    this.events.push(`binary ${bytes.byteOffset % 8} ${Buffer.from(bytes).toString('hex')}`);
  }
  onText(text: string): void {
    this.events.push(`text ${text}`);
  }
  onPing(payload: Uint8Array): void {
    this.events.push(`ping ${Buffer.from(payload).toString()}`);
  }
  onPong(): void {
    this.events.push('pong');
  }
  onClose(code: number, reason: string): void {
    this.events.push(`close ${code} ${reason}`);
  }
}

function receive(...chunks: Uint8Array[]): { events: string[]; fault: ReceiveFault | undefined } {
  const recorder = new Recorder();
  const receiver = new WebSocketReceiver(recorder, MESSAGE_BYTES_MAX);
  for (const chunk of chunks) {
    const fault = receiver.push(chunk);
    if (fault !== undefined) return { events: recorder.events, fault };
  }
  return { events: recorder.events, fault: undefined };
}

test('messages arrive whole however the stream is cut', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  for (let round = 0; round < 300; round++) {
    const frames: Buffer[] = [];
    const expected: string[] = [];
    for (let left = 1 + prng.nextBelow(6); left > 0; left--) {
      const size =
        round % 20 === 0 ? 65_535 + prng.nextBelow(2) : [0, 1, 125, 126, 127, 1000][prng.nextBelow(6)];
      const payload = Buffer.alloc(size, Uint8Array.of(round, left, size, 7, 9));
      const cut = prng.nextBelow(size + 1);
      const isFragmented = prng.nextBelow(2) === 0;
      if (isFragmented) {
        frames.push(serverFrame(0x02, payload.subarray(0, cut)), serverFrame(0x89, 'p'));
        frames.push(serverFrame(0x80, payload.subarray(cut)));
        expected.push('ping p');
      } else frames.push(serverFrame(0x82, payload));
      expected.push(`binary 0 ${payload.toString('hex')}`);
    }
    const stream = Buffer.concat(frames);
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + 1 + prng.nextBelow(round % 3 === 0 ? 5000 : 100_000));
      chunks.push(stream.subarray(at, end));
      at = end;
    }
    const { events, fault } = receive(...chunks);
    t.is(fault, undefined);
    if (events.join() !== expected.join()) t.fail(`seed ${seed} round ${round}`);
  }
  const bytewise = serverFrame(0x82, Buffer.alloc(300, 7));
  t.is(receive(...[...bytewise].map((byte) => Uint8Array.of(byte))).events.length, 1);
});

test('a text that is split inside a character is put together', (t) => {
  const text = Buffer.from('ж😀');
  const { events } = receive(serverFrame(0x01, text.subarray(0, 3)), serverFrame(0x80, text.subarray(3)));
  t.deepEqual(events, ['text ж😀']);
});

const FAULTS: readonly [claim: string, bytes: Uint8Array, closeCode: number][] = [
  ['a reserved bit', serverFrame(0xc2, ''), 1002],
  ['an unknown data opcode', serverFrame(0x83, ''), 1002],
  ['an unknown control opcode', serverFrame(0x8b, ''), 1002],
  ['a masked frame', Uint8Array.of(0x82, 0x80, 1, 2, 3, 4), 1002],
  ['a fragmented ping', serverFrame(0x09, ''), 1002],
  ['a ping of 126 bytes', serverFrame(0x89, 'x'.repeat(126)), 1002],
  ['a continuation of nothing', serverFrame(0x80, 'x'), 1002],
  ['a message inside a message', Buffer.concat([serverFrame(0x02, 'x'), serverFrame(0x82, 'y')]), 1002],
  ['a 16-bit length below 126', Uint8Array.of(0x82, 126, 0, 125), 1002],
  ['a 64-bit length below 65536', Uint8Array.of(0x82, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff), 1002],
  ['a length of 2^64 - 1', Uint8Array.of(0x82, 127, 255, 255, 255, 255, 255, 255, 255, 255), 1009],
  ['a message above the limit', Uint8Array.of(0x82, 127, 0, 0, 0, 0, 0, 0x0f, 0x42, 0x41), 1009],
  [
    'fragments that add up above the limit',
    Buffer.concat([serverFrame(0x02, Buffer.alloc(600_000)), serverFrame(0x80, Buffer.alloc(600_000))]),
    1009,
  ],
  ['a text that is not UTF-8', serverFrame(0x81, Uint8Array.of(0xff)), 1007],
  ['a close of one byte', serverFrame(0x88, 'x'), 1002],
  ['a close with code 1005', serverFrame(0x88, Uint8Array.of(0x03, 0xed)), 1002],
  ['a close with a broken reason', serverFrame(0x88, Uint8Array.of(0x03, 0xe8, 0xff)), 1007],
];

for (const [claim, bytes, closeCode] of FAULTS) {
  test(`${claim} fails the connection with ${closeCode}`, (t) => {
    const { events, fault } = receive(bytes);
    t.is(fault?.closeCode, closeCode);
    t.deepEqual(events, []);
  });
}

test('nothing is delivered after a close', (t) => {
  const { events, fault } = receive(
    Buffer.concat([serverFrame(0x88, Uint8Array.of(0x03, 0xe8, 0x61)), serverFrame(0xff, 'x')]),
  );
  t.is(fault, undefined);
  t.deepEqual(events, ['close 1000 a']);
});

test('random bytes never throw', (t) => {
  const seed = testSeed();
  t.log(`seed ${seed}`);
  const prng = createPrng(seed);
  let faults = 0;
  for (let round = 0; round < 20_000; round++) {
    const bytes = Uint8Array.from({ length: prng.nextBelow(40) }, () => prng.nextBelow(256));
    if (bytes.length > 1 && round % 2 === 0) {
      bytes[0] &= 0x8f;
      bytes[1] &= 0x7f;
    }
    if (receive(bytes).fault !== undefined) faults++;
  }
  t.true(faults > 1000);
});

test('many tiny fragments are joined in linear time', (t) => {
  const fragments = Buffer.concat([
    serverFrame(0x02, 'x'),
    ...Array.from({ length: 100_000 }, () => serverFrame(0x00, 'x')),
    serverFrame(0x80, ''),
  ]);
  const before = cpuMs();
  t.is(receive(fragments).events[0].length, 'binary 0 '.length + 2 * 100_001);
  t.true(cpuMs() - before < 5_000);
});

test('masking by words equals masking by bytes', (t) => {
  const prng = createPrng(7);
  for (let size = 0; size < 40; size++) {
    const key = prng.nextUint32();
    const payload = Uint8Array.from({ length: size }, () => prng.nextBelow(256));
    const keyBytes = Uint8Array.of(key, key >>> 8, key >>> 16, key >>> 24);
    const memory = new Uint8Array(size + 8);
    memory.set(payload, 4);
    maskInPlace(memory, 4, size, key);
    t.deepEqual(
      memory.slice(4, 4 + size),
      payload.map((byte, i) => byte ^ keyBytes[i & 3]),
    );
    t.deepEqual([...memory.slice(4 + size)], [0, 0, 0, 0]);
  }
});

test('the documented example of a masked frame holds', (t) => {
  const frame = encodeFrame(2, Buffer.from('Hi'), 0x04030201);
  t.is(Buffer.from(frame).toString('hex'), '82820102030449' + '6b');
});

test('a masked frame of every length form can be read by a server', (t) => {
  for (const size of [0, 125, 126, 65_535, 65_536]) {
    const frame = Buffer.from(encodeFrame(1, Buffer.alloc(size, 0x61), 0xdeadbeef));
    const keyAt = size < 126 ? 2 : size < 65_536 ? 4 : 10;
    t.is(frame.length, keyAt + 4 + size);
    t.is(frame[1] & 0x80, 0x80);
    for (let i = 0; i < Math.min(size, 9); i++) t.is(frame[keyAt + 4 + i] ^ frame[keyAt + (i & 3)], 0x61);
  }
});

test('reserved close codes are recognised', (t) => {
  for (const code of [1000, 1001, 1003, 1011, 3000, 4999]) t.true(isValidCloseCode(code));
  for (const code of [0, 999, 1004, 1005, 1006, 1015, 2999, 5000]) t.false(isValidCloseCode(code));
});
