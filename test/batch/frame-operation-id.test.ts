import { createHash } from 'node:crypto';
import test from 'ava';
import { deriveOperationId } from '../../src/batch/operation-id.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const first8 = (...parts: (string | Buffer)[]): number[] => {
  const digest = createHash('sha256')
    .update(Buffer.concat(parts.map((part) => Buffer.from(part as string))))
    .digest();
  return [digest.readUInt32LE(0), digest.readUInt32LE(4)];
};

test('the derivation is the documented one and never changes', (t) => {
  const id = deriveOperationId('order-42', 'ada', 2, 'orders', bytes('k1'), bytes('{"x":1}'));
  t.deepEqual(
    [...id],
    [
      ...first8(Buffer.from([3, 0, 0, 0]), 'ada', 'order-42'),
      ...first8(
        Buffer.from([2]),
        Buffer.from([6, 0, 0, 0]),
        'orders',
        Buffer.from([2, 0, 0, 0]),
        'k1',
        '{"x":1}',
      ),
    ],
  );
  t.deepEqual([...id], [2729390978, 1464602108, 2977498009, 1424210832]);
});

test('the same key with another request keeps the identity and changes the fingerprint', (t) => {
  const base = deriveOperationId('k', 's', 2, 'c', bytes('a'), bytes('1'));
  for (const other of [
    deriveOperationId('k', 's', 4, 'c', bytes('a'), bytes('1')),
    deriveOperationId('k', 's', 2, 'ca', bytes(''), bytes('1')),
    deriveOperationId('k', 's', 2, 'c', bytes('a1'), bytes('')),
    deriveOperationId('k', 's', 2, 'c', bytes('a'), bytes('2')),
  ]) {
    t.deepEqual([...other.slice(0, 2)], [...base.slice(0, 2)]);
    t.notDeepEqual([...other.slice(2)], [...base.slice(2)]);
  }
});

test('scope and key do not run into each other', (t) => {
  const one = deriveOperationId('bc', 'a', 2, 'c', bytes('k'), bytes(''));
  const other = deriveOperationId('c', 'ab', 2, 'c', bytes('k'), bytes(''));
  t.notDeepEqual([...one.slice(0, 2)], [...other.slice(0, 2)]);
});
