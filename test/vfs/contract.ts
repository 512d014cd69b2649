/** What every Vfs must do. Each implementation's test file declares these tests for itself. */
import type { TestFn } from 'ava';
import { DbError } from '../../src/base/errors.js';
import { isIoError } from '../../src/vfs/io-error.js';
import type { Vfs } from '../../src/vfs/vfs.js';

export interface ContractTarget {
  readonly vfs: Vfs;
  /** An existing empty directory. */
  readonly directory: string;
}

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

export function declareContract(test: TestFn, name: string, create: () => ContractTarget): void {
  test(`${name}: what was written is read back, also through SharedArrayBuffers`, (t) => {
    const { vfs, directory } = create();
    const file = vfs.open(`${directory}/a`, 'create');
    const shared = new Uint8Array(new SharedArrayBuffer(64));
    shared.set(bytesOf('shared bytes'), 10);
    file.pwrite(shared, 10, 12, 5);
    const target = new Uint8Array(new SharedArrayBuffer(32));
    t.is(file.pread(target, 3, 20, 0), 17, 'short only at the end');
    t.deepEqual([...target.subarray(3, 8)], [0, 0, 0, 0, 0]);
    t.is(Buffer.from(target.subarray(8, 20)).toString(), 'shared bytes');
    t.is(file.pread(target, 0, 8, 17), 0);
    t.is(file.pread(target, 0, 8, 1000), 0);
    t.is(file.size(), 17);
    file.fdatasync();
    file.fsync();
    file.close();
    file.close();
  });

  test(`${name}: truncate cuts, grows with zeros, and forgets what it cut`, (t) => {
    const { vfs, directory } = create();
    const file = vfs.open(`${directory}/a`, 'create');
    file.pwrite(bytesOf('0123456789'), 0, 10, 0);
    file.truncate(4);
    file.truncate(8);
    file.close();
    t.deepEqual([...vfs.readFile(`${directory}/a`)], [48, 49, 50, 51, 0, 0, 0, 0]);
  });

  test(`${name}: open modes refuse what they must`, (t) => {
    const { vfs, directory } = create();
    const path = `${directory}/a`;
    for (const mode of ['read', 'readwrite'] as const) {
      const missing = t.throws(() => vfs.open(path, mode), { instanceOf: DbError });
      t.true(isIoError(missing, 'ENOENT'));
    }
    vfs.open(path, 'create').close();
    t.true(
      isIoError(
        t.throws(() => vfs.open(path, 'create')),
        'EEXIST',
      ),
    );
    const reader = vfs.open(path, 'read');
    t.true(
      isIoError(
        t.throws(() => reader.pwrite(bytesOf('x'), 0, 1, 0)),
        'EBADF',
      ),
    );
    reader.close();
    vfs.open(path, 'readwrite').close();
  });

  test(`${name}: a closed handle is refused, and never reaches the file that took over its number`, (t) => {
    const { vfs, directory } = create();
    vfs.writeFileAtomic(`${directory}/a`, bytesOf('mine'));
    vfs.writeFileAtomic(`${directory}/b`, bytesOf('another file'));
    const closed = vfs.open(`${directory}/a`, 'readwrite');
    closed.close();
    // Real systems hand out the lowest number that is free: that of the handle just closed.
    const others = Array.from({ length: 4 }, () => vfs.open(`${directory}/b`, 'readwrite'));
    const buffer = new Uint8Array(16);
    const calls: Record<string, () => unknown> = {
      pread: () => closed.pread(buffer, 0, 16, 0),
      pwrite: () => closed.pwrite(bytesOf('spoiled'), 0, 7, 0),
      truncate: () => closed.truncate(0),
      size: () => closed.size(),
      fdatasync: () => closed.fdatasync(),
      fsync: () => closed.fsync(),
    };
    for (const [operation, call] of Object.entries(calls)) {
      const error = t.throws(call, { instanceOf: DbError }, operation);
      t.true(isIoError(error, 'EBADF'), operation);
      t.regex(error?.message ?? '', new RegExp(`${operation} failed on .*/a: EBADF .*closed`));
    }
    closed.close();
    t.deepEqual([...buffer], Array(16).fill(0), 'nothing was read');
    for (const other of others) {
      t.is(other.pread(buffer, 0, 16, 0), 12, 'and the other file is still open, and as it was');
      other.close();
    }
    t.is(Buffer.from(vfs.readFile(`${directory}/b`)).toString(), 'another file');
  });

  test(`${name}: an error names operation, path and errno and keeps its cause`, (t) => {
    const { vfs, directory } = create();
    const error = t.throws(() => vfs.unlink(`${directory}/none`), { instanceOf: DbError });
    t.is(error?.code, 'IO');
    t.deepEqual(error?.details, { file: `${directory}/none`, operation: 'unlink', errno: 'ENOENT' });
    t.regex(error?.message ?? '', /unlink failed on .*none: ENOENT/);
    t.truthy(error?.cause);
  });

  test(`${name}: names are listed sorted, renamed over existing ones, and unlinked`, (t) => {
    const { vfs, directory } = create();
    vfs.makeDirectory(`${directory}/x/y/z`);
    vfs.makeDirectory(`${directory}/x/y`);
    for (const name of ['b', 'B', 'a10', 'a9']) vfs.writeFileAtomic(`${directory}/${name}`, bytesOf(name));
    t.deepEqual(vfs.list(directory), ['B', 'a10', 'a9', 'b', 'x']);
    vfs.rename(`${directory}/b`, `${directory}/a9`);
    t.is(Buffer.from(vfs.readFile(`${directory}/a9`)).toString(), 'b');
    t.false(vfs.exists(`${directory}/b`));
    vfs.rename(`${directory}/a10`, `${directory}/x/y/moved`);
    vfs.rename(`${directory}/x/y`, `${directory}/w`);
    t.deepEqual(vfs.list(`${directory}/w`), ['moved', 'z']);
    vfs.unlink(`${directory}/w/moved`);
    vfs.syncDirectory(`${directory}/w`);
    t.deepEqual(vfs.list(`${directory}/w`), ['z']);
    t.true(
      isIoError(
        t.throws(() => vfs.list(`${directory}/x/y`)),
        'ENOENT',
      ),
    );
  });

  test(`${name}: an atomic write replaces the file and leaves nothing behind`, (t) => {
    const { vfs, directory } = create();
    vfs.writeFileAtomic(`${directory}/f`, bytesOf('a long first version'));
    vfs.writeFileAtomic(`${directory}/f`, bytesOf('second'));
    t.is(Buffer.from(vfs.readFile(`${directory}/f`)).toString(), 'second');
    t.deepEqual(vfs.list(directory), ['f']);
    t.true(vfs.freeBytes(directory) > 0);
  });

  test(`${name}: a linked file lives under both names until the last one is gone`, (t) => {
    const { vfs, directory } = create();
    vfs.makeDirectory(`${directory}/other`);
    vfs.writeFileAtomic(`${directory}/a`, bytesOf('shared'));
    t.is(vfs.linkCount(`${directory}/a`), 1);
    vfs.link(`${directory}/a`, `${directory}/other/b`);
    t.is(vfs.linkCount(`${directory}/a`), 2);
    t.is(vfs.linkCount(`${directory}/other/b`), 2);
    const file = vfs.open(`${directory}/other/b`, 'readwrite');
    file.pwrite(bytesOf('SH'), 0, 2, 0);
    file.close();
    t.is(Buffer.from(vfs.readFile(`${directory}/a`)).toString(), 'SHared');
    vfs.rename(`${directory}/a`, `${directory}/other/b`);
    t.deepEqual(vfs.list(directory), ['a', 'other'], 'renaming one name of a file over another does nothing');
    vfs.unlink(`${directory}/a`);
    t.is(vfs.linkCount(`${directory}/other/b`), 1);
    t.true(
      isIoError(
        t.throws(() => vfs.linkCount(`${directory}/a`)),
        'ENOENT',
      ),
    );
    t.is(Buffer.from(vfs.readFile(`${directory}/other/b`)).toString(), 'SHared');
    vfs.syncDirectory(`${directory}/other`);
  });

  test(`${name}: a copy is a file of its own, and replaces none`, (t) => {
    const { vfs, directory } = create();
    const bytes = new Uint8Array(3_000_001).map((_, i) => i * 7);
    vfs.writeFileAtomic(`${directory}/a`, bytes);
    vfs.copyFile(`${directory}/a`, `${directory}/b`);
    t.is(vfs.linkCount(`${directory}/a`), 1);
    const file = vfs.open(`${directory}/a`, 'readwrite');
    file.pwrite(bytesOf('SH'), 0, 2, 0);
    file.close();
    t.true(Buffer.from(vfs.readFile(`${directory}/b`)).equals(bytes));
    const taken = t.throws(() => vfs.copyFile(`${directory}/a`, `${directory}/b`));
    t.true(isIoError(taken, 'EEXIST'));
    t.true(Buffer.from(vfs.readFile(`${directory}/b`)).equals(bytes));
    const missing = t.throws(() => vfs.copyFile(`${directory}/none`, `${directory}/c`));
    t.true(isIoError(missing, 'ENOENT'));
    t.deepEqual(vfs.list(directory), ['a', 'b']);
  });

  test(`${name}: a link never replaces a file and needs one to link to`, (t) => {
    const { vfs, directory } = create();
    vfs.writeFileAtomic(`${directory}/a`, bytesOf('a'));
    vfs.writeFileAtomic(`${directory}/b`, bytesOf('b'));
    const taken = t.throws(() => vfs.link(`${directory}/a`, `${directory}/b`));
    t.true(isIoError(taken, 'EEXIST'));
    const missing = t.throws(() => vfs.link(`${directory}/none`, `${directory}/c`));
    t.true(isIoError(missing, 'ENOENT'));
    t.deepEqual(vfs.list(directory), ['a', 'b']);
    t.is(Buffer.from(vfs.readFile(`${directory}/b`)).toString(), 'b');
  });

  test(`${name}: the time of the last change stays with the bytes, under every name`, (t) => {
    const { vfs, directory } = create();
    vfs.writeFileAtomic(`${directory}/a`, bytesOf('12345'));
    const writtenMs = vfs.modifiedMsOf(`${directory}/a`);
    vfs.link(`${directory}/a`, `${directory}/b`);
    vfs.rename(`${directory}/a`, `${directory}/c`);
    t.is(vfs.modifiedMsOf(`${directory}/b`), writtenMs);
    t.is(vfs.modifiedMsOf(`${directory}/c`), writtenMs);
    const missing = t.throws(() => vfs.modifiedMsOf(`${directory}/a`));
    t.true(isIoError(missing, 'ENOENT'));
  });

  test(`${name}: sizes are told of closed files, and of no directory`, (t) => {
    const { vfs, directory } = create();
    vfs.writeFileAtomic(`${directory}/a`, bytesOf('12345'));
    t.is(vfs.sizeOf(`${directory}/a`), 5);
    const noFile = t.throws(() => vfs.sizeOf(directory));
    t.true(isIoError(noFile, 'EISDIR'));
    const missing = t.throws(() => vfs.sizeOf(`${directory}/none`));
    t.true(isIoError(missing, 'ENOENT'));
  });

  test(`${name}: a device is never freer than it is large`, (t) => {
    const { vfs, directory } = create();
    const total = vfs.totalBytes(directory);
    const free = vfs.freeBytes(directory);
    t.true(Number.isSafeInteger(total) && Number.isSafeInteger(free));
    t.true(free > 0 && free <= total);
  });
}
