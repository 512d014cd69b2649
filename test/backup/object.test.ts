import { randomBytes } from 'node:crypto';
import test from 'ava';
import fc from 'fast-check';
import { parseKey } from '../../src/backup/object/key-file.js';
import { CHUNK_BYTES } from '../../src/backup/object/object-format.js';
import { decodeObject } from '../../src/backup/object/object-reader.js';
import { encodeObject, type ObjectWriterOptions } from '../../src/backup/object/object-writer.js';
import type { CodecName } from '../../src/sst/codec.js';
import { testSeed } from '../support/random.js';

const KEY = Buffer.alloc(32, 7);
const CODECS: readonly CodecName[] = ['none', 'lz4', 'zstd'];

async function bytesOf(source: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of source) parts.push(Buffer.from(part));
  return Buffer.concat(parts);
}

const stored = (raw: Uint8Array, options: ObjectWriterOptions) => bytesOf(encodeObject([raw], options));

/** The bytes again, in pieces of `step`. */
async function* inPieces(bytes: Uint8Array, step: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) yield bytes.subarray(at, at + step);
}

const raw = (bytes: Uint8Array, key?: Uint8Array, step = 1000) =>
  bytesOf(decodeObject(inPieces(bytes, step), { name: 'o', ...(key && { key }) }));

test('any bytes come back, with every codec, encrypted and not, in pieces of any size', async (t) => {
  const seed = testSeed();
  t.log(`SEED=${seed}`);
  await fc.assert(
    fc.asyncProperty(
      fc.uint8Array({ maxLength: 5000 }),
      fc.constantFrom(...CODECS),
      fc.boolean(),
      fc.integer({ min: 1, max: 3000 }),
      async (bytes, compression, isEncrypted, step) => {
        const key = isEncrypted ? KEY : undefined;
        const object = await stored(bytes, { compression, ...(key && { key }) });
        t.deepEqual(new Uint8Array(await raw(object, key, step)), bytes);
      },
    ),
    { seed, numRuns: 100 },
  );
});

test('an object of several chunks, of which some do not shrink', async (t) => {
  const bytes = Buffer.concat([
    Buffer.alloc(CHUNK_BYTES, 'a'),
    randomBytes(CHUNK_BYTES),
    Buffer.alloc(17, 'b'),
  ]);
  for (const compression of CODECS) {
    const object = await stored(bytes, { compression, key: KEY });
    t.true((await raw(object, KEY, 65_536)).equals(bytes), compression);
    if (compression !== 'none') t.true(object.length < 1.1 * CHUNK_BYTES, compression);
  }
});

test('the smallest object is as its format says', async (t) => {
  const object = await stored(new Uint8Array(0), { compression: 'none' });
  t.is(object.toString('latin1', 0, 8), 'LDBOBJ01');
  t.is(object.toString('hex', 64), '0000008000000000fd7633ca');
});

for (const key of [undefined, KEY]) {
  const kind = key === undefined ? 'plain' : 'encrypted';
  test(`${kind}: a changed byte anywhere, a cut anywhere and bytes behind the end are found`, async (t) => {
    const object = await stored(Buffer.from('{"a":1}'.repeat(40)), {
      compression: 'lz4',
      ...(key && { key }),
    });
    const damaged = { code: /CORRUPT_BACKUP|BACKUP_KEY/ } as const;
    const fails = async (bytes: Uint8Array, what: string) => {
      const error = await t.throwsAsync(raw(bytes, key), undefined, what);
      t.regex((error as unknown as { code: string }).code, damaged.code, what);
    };
    for (let at = 0; at < object.length; at++) {
      const changed = Buffer.from(object);
      changed[at] ^= 1 << (at % 8);
      await fails(changed, `byte ${at}`);
      await fails(object.subarray(0, at), `cut at ${at}`);
    }
    await fails(Buffer.concat([object, Buffer.alloc(1)]), 'one byte more');
  });

  test(`${kind}: chunks that were exchanged or left out are found`, async (t) => {
    const bytes = Buffer.concat([
      Buffer.alloc(CHUNK_BYTES, 1),
      Buffer.alloc(CHUNK_BYTES, 2),
      Buffer.alloc(5),
    ]);
    const object = await stored(bytes, { compression: 'none', ...(key && { key }) });
    const chunk = 12 + CHUNK_BYTES + (key === undefined ? 0 : 16);
    const [header, first, second, rest] = [
      object.subarray(0, 64),
      object.subarray(64, 64 + chunk),
      object.subarray(64 + chunk, 64 + 2 * chunk),
      object.subarray(64 + 2 * chunk),
    ];
    t.true((await raw(Buffer.concat([header, first, second, rest]), key, 65_536)).equals(bytes));
    for (const parts of [
      [header, second, first, rest],
      [header, second, rest],
      [header, first, first, rest],
    ])
      await t.throwsAsync(raw(Buffer.concat(parts), key, 65_536), { message: /is damaged/ });
  });
}

test('without its key or with another an encrypted object says so', async (t) => {
  const object = await stored(Buffer.from('secret'), { compression: 'zstd', key: KEY });
  await t.throwsAsync(raw(object), { message: /is encrypted: give its key/ });
  await t.throwsAsync(raw(object, Buffer.alloc(32, 8)), { message: /another key/ });
  t.false(object.includes('secret'));
});

test('a key is 32 bytes or 64 digits, and an error does not tell it', (t) => {
  const bytes = randomBytes(32);
  t.true(parseKey(bytes, 'f').equals(bytes));
  t.true(parseKey(Buffer.from(`${bytes.toString('hex')}\n`), 'f').equals(bytes));
  const error = t.throws(() => parseKey(Buffer.from('topsecret'), 'f'));
  t.false(error?.message.includes('topsecret'));
});
