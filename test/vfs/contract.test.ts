import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import { RealVfs } from '../../src/vfs/real.js';
import { declareContract } from './contract.js';

const temporary = mkdtempSync(join(tmpdir(), 'luma-vfs-'));
test.after.always(() => rmSync(temporary, { recursive: true, force: true }));

declareContract(test, 'real', () => ({ vfs: new RealVfs(), directory: mkdtempSync(join(temporary, 'd-')) }));
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
