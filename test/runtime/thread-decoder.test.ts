import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { DecodeJob } from '../../src/backup/decode/decode-job.js';
import { encodeObject } from '../../src/backup/object/object-writer.js';
import { DbError } from '../../src/base/errors.js';
import { ThreadDecoder } from '../../src/runtime/backup/thread-decoder.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { collect } from '../support/byte-sources.js';

const MIB = 1024 * 1024;
const key = randomBytes(32);

function decoder(t: ExecutionContext, threads = 2): ThreadDecoder {
  const made = new ThreadDecoder(threads);
  t.teardown(() => made.close());
  return made;
}

const stored = (bytes: Uint8Array): Promise<Buffer> =>
  collect(encodeObject([bytes], { compression: 'zstd', key }));

function placing(path: string, bytes: Uint8Array): DecodeJob {
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const facts = { size_bytes: bytes.length, sha256, modified_ms: 0, object: 'o', object_bytes: 0 };
  return { name: 'o', key, work: { kind: 'place', path, file: { path: 'f', ...facts } } };
}

async function* inPieces(bytes: Uint8Array, pieceBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += pieceBytes) yield bytes.slice(at, at + pieceBytes);
}

test('objects become files on threads, several at a time, with progress', async (t) => {
  const directory = temporaryDirectory(t);
  const threads = decoder(t, 3);
  await Promise.all(
    [0, 1, 4095, MIB, 7 * MIB + 11].map(async (sizeBytes) => {
      const path = join(directory, String(sizeBytes));
      const bytes = randomBytes(sizeBytes);
      let raw = 0;
      await threads.run(placing(path, bytes), inPieces(await stored(bytes)), (count) => {
        raw += count;
      });
      t.true(readFileSync(path).equals(bytes));
      t.is(raw, sizeBytes);
    }),
  );
  t.is(readdirSync(directory).length, 5);
});

test('damage is told with its place, nothing of the file stays, and the thread goes on with others', async (t) => {
  const directory = temporaryDirectory(t);
  const threads = decoder(t, 1);
  const bytes = randomBytes(5 * MIB);
  const path = join(directory, 'f');
  const whole = await stored(bytes);
  const damaged = Buffer.from(whole);
  damaged[3 * MIB] ^= 1;
  for (const each of [damaged, whole.subarray(0, -1), whole.subarray(0, 2 * MIB)]) {
    const error = await t.throwsAsync(threads.run(placing(path, bytes), inPieces(each), () => {}));
    t.like(error, { code: 'CORRUPT_BACKUP' });
    t.regex(error?.message ?? '', /^o is damaged at offset \d+/);
    t.deepEqual(readdirSync(directory), []);
  }
  const other = placing(path, randomBytes(5 * MIB));
  t.like(await t.throwsAsync(threads.run(other, inPieces(whole), () => {})), { code: 'CORRUPT_BACKUP' });
  await t.throwsAsync(
    threads.run(placing(join(directory, 'no', 'f'), bytes), inPieces(whole), () => {}),
    {
      code: 'IO',
    },
  );
  await threads.run(placing(path, bytes), inPieces(whole), () => {});
  t.true(readFileSync(path).equals(bytes));
});

test('a store that fails fails the job with its own error, once the thread has cleaned up', async (t) => {
  const directory = temporaryDirectory(t);
  const threads = decoder(t, 1);
  const bytes = randomBytes(8 * MIB);
  const whole = await stored(bytes);
  const path = join(directory, 'f');
  for (const after of [0, 1, 30]) {
    const failure = new DbError('BACKUP_STORE_DENIED', 'no longer');
    let isClosed = false;
    async function* failing(): AsyncGenerator<Uint8Array> {
      try {
        let pieces = 0;
        for await (const piece of inPieces(whole)) {
          if (pieces++ === after) throw failure;
          yield piece;
        }
      } finally {
        isClosed = true;
      }
    }
    const error = await t.throwsAsync(threads.run(placing(path, bytes), failing(), () => {}));
    t.is(error, failure);
    t.true(isClosed);
    t.deepEqual(readdirSync(directory), []);
  }
});

test('what a run that was killed has left is replaced', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'f');
  const bytes = randomBytes(MIB);
  writeFileSync(`${path}.restoring`, 'half of it');
  await decoder(t).run(placing(path, bytes), inPieces(await stored(bytes)), () => {});
  t.false(existsSync(`${path}.restoring`));
  t.true(readFileSync(path).equals(bytes));
});
