import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { testSeed } from '../support/random.js';
import { cpuMs } from '../support/time.js';

const seed = testSeed();
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
const textOf = (vfs: MemoryVfs, path: string): string => Buffer.from(vfs.readFile(path)).toString();

function withFile(text: string): MemoryVfs {
  const vfs = new MemoryVfs();
  vfs.makeDirectory('/d');
  vfs.writeFileAtomic('/d/f', bytesOf(text));
  return vfs;
}

test('bytes that were not synced are lost in a power cut and survive the death of the process', (t) => {
  const vfs = withFile('old');
  const file = vfs.open('/d/f', 'readwrite');
  file.pwrite(bytesOf('new and longer'), 0, 14, 0);
  t.is(textOf(vfs.crash(createPrng(1), 'lost'), '/d/f'), 'old');
  t.is(textOf(vfs.crash(createPrng(1), 'kept'), '/d/f'), 'new and longer');
  const killed = vfs.kill();
  t.is(textOf(killed, '/d/f'), 'new and longer');
  t.is(textOf(killed.crash(createPrng(1), 'lost'), '/d/f'), 'old', 'a kill makes nothing durable');
  file.fdatasync();
  t.is(textOf(vfs.crash(createPrng(1), 'lost'), '/d/f'), 'new and longer');
  t.is(textOf(killed.crash(createPrng(1), 'lost'), '/d/f'), 'old', 'the copy does not see later syncs');
});

test('a synced file without a synced name is gone after a power cut', (t) => {
  const vfs = withFile('old');
  const file = vfs.open('/d/g', 'create');
  file.pwrite(bytesOf('x'), 0, 1, 0);
  file.fsync();
  t.deepEqual(vfs.crash(createPrng(1), 'lost').list('/d'), ['f']);
  vfs.syncDirectory('/d');
  t.deepEqual(vfs.crash(createPrng(1), 'lost').list('/d'), ['f', 'g']);
});

test('renames and unlinks come back until their directory is synced', (t) => {
  const vfs = withFile('old');
  vfs.writeFileAtomic('/d/g', bytesOf('gone'));
  vfs.rename('/d/f', '/d/h');
  vfs.unlink('/d/g');
  t.deepEqual(vfs.crash(createPrng(1), 'lost').list('/d'), ['f', 'g']);
  t.deepEqual(vfs.crash(createPrng(1), 'kept').list('/d'), ['h']);
  vfs.syncDirectory('/d');
  t.deepEqual(vfs.crash(createPrng(1), 'lost').list('/d'), ['h']);
});

test(`a torn write differs from both versions only at sector boundaries (seed ${seed})`, (t) => {
  const prng = createPrng(seed);
  const outcomes = new Set<string>();
  for (let round = 0; round < 200; round++) {
    const vfs = withFile('o'.repeat(4096));
    const file = vfs.open('/d/f', 'readwrite');
    file.pwrite(bytesOf('n'.repeat(3000)), 0, 3000, 100);
    const text = textOf(vfs.crash(prng, 'mixed'), '/d/f');
    t.is(text.length, 4096);
    for (let sector = 0; sector < 8; sector++) {
      const from = Math.max(100, sector * 512);
      const part = text.slice(from, Math.min(3100, sector * 512 + 512));
      if (part.length > 0) t.is(new Set(part).size, 1, `sector ${sector} is whole or absent`);
    }
    const news = text.split('n').length - 1;
    outcomes.add(news === 0 ? 'dropped' : news === 3000 ? 'kept' : 'torn');
  }
  t.deepEqual([...outcomes].sort(), ['dropped', 'kept', 'torn']);
});

test(`an atomic write leaves the old file or the new one at whatever moment the power fails (seed ${seed})`, (t) => {
  const prng = createPrng(seed);
  for (let round = 0; round < 100; round++) {
    const vfs = withFile('old');
    const temporary = vfs.open('/d/f.0.tmp', 'create');
    temporary.pwrite(bytesOf('new'), 0, 3, 0);
    temporary.fsync();
    vfs.rename('/d/f.0.tmp', '/d/f');
    t.true(['old', 'new'].includes(textOf(vfs.crash(prng, 'mixed'), '/d/f')));
  }
});

test('a full device refuses growth with ENOSPC, not overwriting, and recovers', (t) => {
  const vfs = new MemoryVfs({ capacityBytes: 10 });
  vfs.makeDirectory('/d');
  const file = vfs.open('/d/f', 'create');
  file.pwrite(bytesOf('0123456789'), 0, 10, 0);
  t.true(
    isIoError(
      t.throws(() => file.pwrite(bytesOf('x'), 0, 1, 10)),
      'ENOSPC',
    ),
  );
  file.pwrite(bytesOf('x'), 0, 1, 0);
  t.is(vfs.freeBytes('/d'), 0);
  vfs.setCapacity(20);
  file.pwrite(bytesOf('x'), 0, 1, 10);
  t.is(vfs.freeBytes('/d'), 9);
});

test('a linked name is gone after a power cut until its directory is synced', (t) => {
  const vfs = withFile('old');
  vfs.link('/d/f', '/d/g');
  t.deepEqual(vfs.crash(createPrng(1), 'lost').list('/d'), ['f']);
  vfs.syncDirectory('/d');
  const left = vfs.crash(createPrng(1), 'lost');
  t.is(textOf(left, '/d/g'), 'old');
  left.open('/d/f', 'readwrite').pwrite(bytesOf('O'), 0, 1, 0);
  t.is(textOf(left, '/d/g'), 'Old', 'still one file after the crash');
});

test('a file counts once however many names it has, and until the last is gone', (t) => {
  const vfs = new MemoryVfs({ capacityBytes: 100 });
  vfs.makeDirectory('/d');
  const file = vfs.open('/d/f', 'create');
  file.pwrite(bytesOf('0123456789'), 0, 10, 0);
  vfs.link('/d/f', '/d/g');
  t.is(vfs.freeBytes('/d'), 90);
  vfs.unlink('/d/f');
  t.is(vfs.freeBytes('/d'), 90);
  file.truncate(30);
  t.is(vfs.freeBytes('/d'), 70);
  vfs.unlink('/d/g');
  t.is(vfs.freeBytes('/d'), 100);
});

test(`free space is what the named files leave, whatever happened to them (seed ${seed})`, (t) => {
  const prng = createPrng(seed);
  const capacityBytes = 100_000;
  let vfs = new MemoryVfs({ capacityBytes });
  for (const directory of ['/d', '/e']) vfs.makeDirectory(directory);
  const paths = ['/d/a', '/d/b', '/e/a', '/e/b', '/e/c'];
  const anyPath = (): string => paths[prng.nextBelow(paths.length)] ?? '/d/a';
  const actions: ReadonlyArray<() => void> = [
    () => vfs.open(anyPath(), 'create'),
    () => vfs.open(anyPath(), 'readwrite').pwrite(new Uint8Array(200), 0, 200, prng.nextBelow(1000)),
    () => vfs.open(anyPath(), 'readwrite').truncate(prng.nextBelow(2000)),
    () => vfs.rename(anyPath(), anyPath()),
    () => vfs.link(anyPath(), anyPath()),
    () => vfs.unlink(anyPath()),
    () => vfs.syncDirectory('/d'),
    () => {
      vfs = prng.nextBelow(2) === 0 ? vfs.crash(prng, 'mixed') : vfs.kill();
    },
  ];
  let done = 0;
  for (let step = 0; step < 3000; step++) {
    try {
      actions[prng.nextBelow(step % 10 === 0 ? actions.length : actions.length - 1)]?.();
      done++;
    } catch (error) {
      t.true(isIoError(error, 'ENOENT') || isIoError(error, 'EEXIST'), String(error));
    }
    const files = paths.filter((path) => vfs.exists(path));
    const listed = ['/d', '/e'].flatMap((directory) =>
      vfs.list(directory).map((name) => `${directory}/${name}`),
    );
    t.deepEqual(listed, files);
    t.is(capacityBytes - vfs.freeBytes('/d'), distinctBytes(vfs, files));
  }
  t.true(done > 1000);
});

/** Adds up the files of a copy, emptying each: a second name of a file then finds nothing left to count. */
function distinctBytes(vfs: MemoryVfs, files: readonly string[]): number {
  const copy = vfs.kill();
  let bytes = 0;
  for (const path of files) {
    bytes += copy.sizeOf(path);
    copy.open(path, 'readwrite').truncate(0);
  }
  return bytes;
}

test('a device with thousands of files is as quick as an empty one', (t) => {
  const vfs = new MemoryVfs({ modelsPowerCuts: false, capacityBytes: 2 ** 40 });
  for (let directory = 0; directory < 100; directory++) {
    vfs.makeDirectory(`/d${directory}`);
    for (let file = 0; file < 100; file++)
      vfs.open(`/d${directory}/${file}`, 'create').pwrite(bytesOf('x'), 0, 1, 0);
  }
  const before = cpuMs();
  const file = vfs.open('/d7/7', 'readwrite');
  const block = new Uint8Array(64);
  // A walk over all 10,000 files for each of these would take minutes.
  for (let round = 0; round < 100_000; round++) file.pwrite(block, 0, 64, (round % 1000) * 64);
  for (let round = 0; round < 1000; round++) t.is(vfs.list('/d9').length, 100);
  t.true(cpuMs() - before < 10_000);
});

test('a file system that was told of no power cuts refuses to model one', (t) => {
  const vfs = new MemoryVfs({ modelsPowerCuts: false });
  t.throws(() => vfs.crash(createPrng(1), 'kept'), { message: /no power cut/ });
});

test('a file that was only made long takes no memory and reads as zeros', (t) => {
  const vfs = new MemoryVfs();
  vfs.makeDirectory('/d');
  const file = vfs.open('/d/f', 'create');
  const size = 2 ** 40;
  file.truncate(size);
  file.pwrite(bytesOf('abc'), 0, 3, 5);
  t.is(file.size(), size);
  const target = new Uint8Array(16).fill(0xff);
  t.is(file.pread(target, 1, 14, 4), 14);
  t.deepEqual([...target], [0xff, 0, 97, 98, 99, ...new Array<number>(10).fill(0), 0xff]);
  t.is(file.pread(target, 0, 16, size - 3), 3);
  t.deepEqual([...target.subarray(0, 4)], [0, 0, 0, 98]);
  file.fsync();
  const left = vfs.crash(createPrng(1), 'lost');
  t.is(left.exists('/d/f'), false);
  vfs.syncDirectory('/d');
  t.is(vfs.crash(createPrng(1), 'lost').sizeOf('/d/f'), size);
});
