import test from 'ava';
import { FaultVfs, failNth, failWhile } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { isAtomicWriteLeftover, writeFully } from '../../src/vfs/transfer.js';

const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);

function faultVfs(
  ...rules: ConstructorParameters<typeof FaultVfs> extends [unknown, ...infer R] ? R : never
): FaultVfs {
  const vfs = new FaultVfs(new MemoryVfs(), ...rules);
  vfs.makeDirectory('/d');
  return vfs;
}

test('the n-th sync fails, the others do not', (t) => {
  const vfs = faultVfs(failNth('fdatasync', 2, 'EIO'));
  const file = vfs.open('/d/f', 'create');
  file.fdatasync();
  t.true(
    isIoError(
      t.throws(() => file.fdatasync()),
      'EIO',
    ),
  );
  file.fdatasync();
  t.is(vfs.callCount('fdatasync'), 3);
});

test('a full device lets a short write through and then refuses the rest', (t) => {
  const vfs = faultVfs((call) => {
    if (call.operation !== 'pwrite') return undefined;
    return call.call === 1 ? { kind: 'short-write', bytes: 4 } : { kind: 'error', errno: 'ENOSPC' };
  });
  const file = vfs.open('/d/f', 'create');
  t.true(
    isIoError(
      t.throws(() => file.pwrite(bytesOf('12345678'), 0, 8, 0)),
      'ENOSPC',
    ),
  );
  t.is(Buffer.from(vfs.readFile('/d/f')).toString(), '1234');
});

test('a write call that moves nothing is an error and not an endless loop', (t) => {
  t.true(
    isIoError(
      t.throws(() => writeFully('/d/f', 0, 8, 0, () => 0)),
      'ENOSPC',
    ),
  );
  const moved: number[] = [];
  writeFully('/d/f', 2, 8, 100, (offset, length, position) => {
    moved.push(offset, length, position);
    return Math.min(3, length);
  });
  t.deepEqual(moved, [2, 8, 100, 5, 5, 103, 8, 2, 106]);
});

test('an error after the act leaves the act done', (t) => {
  const vfs = faultVfs((call) =>
    call.operation === 'rename' ? { kind: 'error-after', errno: 'EIO' } : undefined,
  );
  vfs.open('/d/f', 'create').close();
  t.throws(() => vfs.rename('/d/f', '/d/g'));
  t.deepEqual(vfs.list('/d'), ['g']);
});

test('an atomic write that fails at any step keeps the old file and cleans up', (t) => {
  for (const operation of ['open', 'pwrite', 'fsync', 'rename'] as const) {
    let broken = false;
    const vfs = faultVfs(failWhile(operation, operation === 'open' ? 'EMFILE' : 'EIO', () => broken));
    vfs.writeFileAtomic('/d/f', bytesOf('old'));
    broken = true;
    t.throws(() => vfs.writeFileAtomic('/d/f', bytesOf('new')));
    broken = false;
    t.is(Buffer.from(vfs.readFile('/d/f')).toString(), 'old', operation);
    t.deepEqual(vfs.list('/d'), ['f'], operation);
  }
});

test('leftovers of atomic writes are recognised by their exact name', (t) => {
  t.true(isAtomicWriteLeftover('manifest.0.tmp', 'manifest'));
  t.false(isAtomicWriteLeftover('manifest.tmp', 'manifest'));
  t.false(isAtomicWriteLeftover('manifest.x.tmp', 'manifest'));
  t.false(isAtomicWriteLeftover('manifests.0.tmp', 'manifest'));
});
