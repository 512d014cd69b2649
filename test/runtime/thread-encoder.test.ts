import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { encode } from '../../src/backup/create/encode.js';
import type { Encoding } from '../../src/backup/create/encode-job.js';
import { decodeObject } from '../../src/backup/object/object-reader.js';
import { ThreadEncoder } from '../../src/runtime/backup/thread-encoder.js';
import { RealVfs } from '../../src/vfs/real.js';

const MIB = 1024 * 1024;

function scratch(t: ExecutionContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-encoder-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

function encoder(t: ExecutionContext, lanes = 2): ThreadEncoder {
  const made = new ThreadEncoder(lanes);
  t.teardown(() => made.close());
  return made;
}

async function digestOfRaw(encoding: Encoding, key?: Uint8Array): Promise<string> {
  const hash = createHash('sha256');
  for await (const raw of decodeObject(encoding.chunks, { name: 'o', key })) hash.update(raw);
  return hash.digest('hex');
}

test('threads make what one thread makes, several at a time, with progress', async (t) => {
  const directory = scratch(t);
  const threads = encoder(t, 3);
  const key = randomBytes(32);
  await Promise.all(
    [0, 1, 4095, MIB, 7 * MIB + 11].map(async (sizeBytes) => {
      const path = join(directory, String(sizeBytes));
      const bytes = Buffer.concat([
        randomBytes(Math.ceil(sizeBytes / 2)),
        Buffer.alloc(Math.floor(sizeBytes / 2)),
      ]);
      writeFileSync(path, bytes);
      const job = { source: { kind: 'file', path, sizeBytes }, compression: 'zstd', key } as const;
      let raw = 0;
      const made = threads.encode(job, (count) => {
        raw += count;
      });
      const digest = createHash('sha256').update(bytes).digest('hex');
      t.is(await digestOfRaw(made, key), digest);
      t.deepEqual(made.facts(), { rawBytes: sizeBytes, sha256: digest });
      t.is(raw, sizeBytes);
      const alone = encode(new RealVfs(), job, () => {});
      await digestOfRaw(alone, key);
      t.deepEqual(alone.facts(), made.facts());
    }),
  );
});

test('what fails in a thread fails with its name, and the thread goes on with others', async (t) => {
  const directory = scratch(t);
  const threads = encoder(t, 1);
  const path = join(directory, 'f');
  writeFileSync(path, 'hello');
  const of = (file: string, sizeBytes: number) =>
    threads.encode({ source: { kind: 'file', path: file, sizeBytes }, compression: 'none' }, () => {});
  const missing = await t.throwsAsync(digestOfRaw(of(join(directory, 'none'), 5)));
  t.like(missing, { code: 'IO', details: { errno: 'ENOENT' } });
  t.like(await t.throwsAsync(digestOfRaw(of(path, 6))), { code: 'CONFLICT' });
  t.like(await t.throwsAsync(digestOfRaw(of(path, 4))), { code: 'CONFLICT' });
  t.is(await digestOfRaw(of(path, 5)), createHash('sha256').update('hello').digest('hex'));
});

test('what nobody wants any more frees its thread', async (t) => {
  const directory = scratch(t);
  const threads = encoder(t, 1);
  const path = join(directory, 'f');
  writeFileSync(path, Buffer.alloc(40 * MIB));
  const job = { source: { kind: 'file', path, sizeBytes: 40 * MIB }, compression: 'none' } as const;
  for (let n = 0; n < 3; n++) {
    for await (const chunk of threads.encode(job, () => {}).chunks) if (chunk.length > 100) break;
  }
  t.is((await digestOfRaw(threads.encode(job, () => {}))).length, 64);
});
