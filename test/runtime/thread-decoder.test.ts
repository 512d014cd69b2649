import { createHash, randomBytes } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import type { Piscina } from 'piscina';
import type { DecodeJob } from '../../src/backup/decode/decode-job.js';
import { encodeObject } from '../../src/backup/object/object-writer.js';
import { DbError } from '../../src/base/errors.js';
import { ThreadDecoder } from '../../src/runtime/backup/thread-decoder.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { collect } from '../support/byte-sources.js';

const MIB = 1024 * 1024;
const key = randomBytes(32);

function decoder(t: ExecutionContext, threads = 2, objects = threads): ThreadDecoder {
  const made = new ThreadDecoder(threads, objects);
  t.teardown(() => made.close());
  return made;
}

const stored = (bytes: Uint8Array): Promise<Buffer> =>
  collect(encodeObject([bytes], { compression: 'zstd', key }));

const threadsOf = (made: ThreadDecoder) => (made as unknown as { readonly pool: Piscina }).pool.threads;

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
  const threads = decoder(t, 3, 5);
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

test('an object whose store is slow does not hold up others of its thread', async (t) => {
  const directory = temporaryDirectory(t);
  const threads = decoder(t, 1, 2);
  const bytes = randomBytes(3 * MIB);
  const whole = await stored(bytes);
  let goOn = (): void => {};
  const isOtherDone = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  async function* slow(): AsyncGenerator<Uint8Array> {
    yield whole.slice(0, MIB);
    await isOtherDone;
    yield whole.slice(MIB);
  }
  const first = threads.run(placing(join(directory, 'slow'), bytes), slow(), () => {});
  await threads.run(placing(join(directory, 'fast'), bytes), inPieces(whole), () => {});
  goOn();
  await first;
  for (const name of ['slow', 'fast']) t.true(readFileSync(join(directory, name)).equals(bytes));
});

test('a thread that dies fails all of its objects, and another takes its place', async (t) => {
  const directory = temporaryDirectory(t);
  const threads = decoder(t, 1, 2);
  const bytes = randomBytes(8 * MIB);
  const whole = await stored(bytes);
  async function* killing(): AsyncGenerator<Uint8Array> {
    let pieces = 0;
    for await (const piece of inPieces(whole)) {
      if (pieces++ === 20) await Promise.all(threadsOf(threads).map((thread) => thread.terminate()));
      yield piece;
    }
  }
  const path = join(directory, 'f');
  const both = await Promise.allSettled([
    threads.run(placing(join(directory, 'a'), bytes), killing(), () => {}),
    threads.run(placing(join(directory, 'b'), bytes), killing(), () => {}),
  ]);
  for (const each of both) {
    t.is(each.status, 'rejected');
    t.regex(String((each as PromiseRejectedResult).reason), /a thread that decodes objects has died/);
  }
  await threads.run(placing(path, bytes), inPieces(whole), () => {});
  t.true(readFileSync(path).equals(bytes));
});
