import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FaultVfs } from '../../src/vfs/fault.js';
import { isIoError } from '../../src/vfs/io-error.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import { declareContract } from './contract.js';

const temporary = mkdtempSync(join(tmpdir(), 'luma-vfs-'));
test.after.always(() => rmSync(temporary, { recursive: true, force: true }));

declareContract(test, 'real', () => ({ vfs: new RealVfs(), directory: mkdtempSync(join(temporary, 'd-')) }));
test('real: a name that cannot be looked up is an error, not an absent file', (t) => {
  const directory = mkdtempSync(join(temporary, 'd-'));
  const vfs = new RealVfs();
  const loop = join(directory, 'loop');
  symlinkSync(loop, loop);
  t.true(
    isIoError(
      t.throws(() => vfs.exists(loop)),
      'ELOOP',
    ),
  );
  writeFileSync(join(directory, 'file'), '');
  t.false(vfs.exists(join(directory, 'file', 'child')), 'nothing is below a file');
  t.false(vfs.exists(join(directory, 'missing', 'child')));
  t.true(vfs.exists(directory));
});

declareContract(test, 'memory', () => {
  const vfs = new MemoryVfs();
  vfs.makeDirectory('/data/dir');
  return { vfs, directory: '/data/dir' };
});
declareContract(test, 'memory without power cuts', () => {
  const vfs = new MemoryVfs({ modelsPowerCuts: false });
  vfs.makeDirectory('/data/dir');
  return { vfs, directory: '/data/dir' };
});
declareContract(test, 'fault', () => {
  const vfs = new FaultVfs(new MemoryVfs());
  vfs.makeDirectory('/data/dir');
  return { vfs, directory: '/data/dir' };
});
declareContract(test, 'fault with short writes', () => {
  const vfs = new FaultVfs(new MemoryVfs(), (call) =>
    call.operation === 'pwrite' ? { kind: 'short-write', bytes: 3 } : undefined,
  );
  vfs.makeDirectory('/data/dir');
  return { vfs, directory: '/data/dir' };
});
