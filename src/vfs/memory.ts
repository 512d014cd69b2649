/**
 * A file system in memory that knows what a power cut would leave. Bytes are durable after a sync of their file,
 * names after a sync of their directory (makeDirectory is durable at once, as the interface promises). For tests
 * and benchmarks; one thread.
 *
 * Every operation costs what it touches: thousands of files and millions of writes are fine. What power cuts need is
 * a second copy of each file and every change since its last sync; a long run without power cuts turns that off.
 */
import { posix } from 'node:path';
import { assert } from '../base/assert.js';
import type { Prng } from '../base/prng.js';
import { ioErrorFromErrno } from './io-error.js';
import { type CrashMode, MemoryInode } from './memory-inode.js';
import { MemoryNames, type NameChange, touchesDirectory } from './memory-names.js';
import { MemoryUsage } from './memory-usage.js';
import { parentOf, readWholeFile, replaceFile } from './transfer.js';
import type { OpenMode, Vfs, VfsFile } from './vfs.js';

export interface MemoryVfsOptions {
  /** Bytes all files together may have; beyond it writes fail with ENOSPC. Unlimited if absent. */
  readonly capacityBytes?: number;
  /** True if absent. False takes half the memory and copies less, and crash() must not be called. */
  readonly modelsPowerCuts?: boolean;
}

export class MemoryVfs implements Vfs {
  private usage = new MemoryUsage();
  private names = new MemoryNames(this.usage);
  private durableNames = new MemoryNames();
  private unsyncedNames: NameChange[] = [];
  private capacityBytes: number;
  private readonly modelsPowerCuts: boolean;

  constructor(options: MemoryVfsOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
    this.modelsPowerCuts = options.modelsPowerCuts ?? true;
  }

  /** Makes the device larger or smaller; smaller than what is used means that nothing can grow. */
  setCapacity(bytes: number): void {
    this.capacityBytes = bytes;
  }

  /** A file system as a power cut at this moment could leave it. This one is not changed. */
  crash(prng: Prng, mode: CrashMode): MemoryVfs {
    assert(this.modelsPowerCuts, 'this file system was told that no power cut would come');
    const left = this.durableNames.mapped((inode) => inode);
    // Journals keep the order of names; not every file system has one. Half of the crashes each.
    const inOrder = prng.nextBelow(2) === 0;
    const prefix = prng.nextBelow(this.unsyncedNames.length + 1);
    this.unsyncedNames.forEach((change, index) => {
      const arrived = inOrder ? index < prefix : prng.nextBelow(2) === 1;
      if (mode === 'kept' || (mode === 'mixed' && arrived)) left.apply(change);
    });
    const result = new MemoryVfs({ capacityBytes: this.capacityBytes });
    const survive = onceEach((inode) => inode.afterPowerCut(prng, mode));
    result.names = left.mapped(survive, result.usage);
    result.durableNames = result.names.mapped((inode) => inode);
    return result;
  }

  /** A file system as the death of the process leaves it: all that was written, still unsynced where it was. */
  kill(): MemoryVfs {
    const { capacityBytes, modelsPowerCuts } = this;
    const survive = onceEach((inode) => inode.afterKill());
    const result = new MemoryVfs({ capacityBytes, modelsPowerCuts });
    result.names = this.names.mapped(survive, result.usage);
    result.durableNames = this.durableNames.mapped(survive);
    result.unsyncedNames = this.unsyncedNames.map((change) =>
      change.kind === 'rename-directory' ? change : { ...change, inode: survive(change.inode) },
    );
    return result;
  }

  open(path: string, mode: OpenMode): VfsFile {
    const name = posix.normalize(path);
    if (this.names.isDirectory(name)) throw ioErrorFromErrno('open', path, 'EISDIR');
    const existing = this.names.fileAt(name);
    if (mode !== 'create') {
      if (existing === undefined) throw ioErrorFromErrno('open', path, 'ENOENT');
      return new MemoryFile(path, existing, mode === 'readwrite', this);
    }
    if (existing !== undefined) throw ioErrorFromErrno('open', path, 'EEXIST');
    this.requireDirectory('open', parentOf(name));
    const inode = new MemoryInode(this.modelsPowerCuts);
    this.change({ kind: 'link', path: name, inode });
    return new MemoryFile(path, inode, true, this);
  }

  exists(path: string): boolean {
    const name = posix.normalize(path);
    return this.names.fileAt(name) !== undefined || this.names.isDirectory(name);
  }

  list(directory: string): string[] {
    const name = withoutTrailingSlash(directory);
    this.requireDirectory('list', name);
    return this.names.namesIn(name);
  }

  makeDirectory(path: string): void {
    for (let name = withoutTrailingSlash(path); name !== parentOf(name); name = parentOf(name)) {
      if (this.names.fileAt(name) !== undefined) throw ioErrorFromErrno('makeDirectory', path, 'EEXIST');
      this.names.addDirectory(name);
      this.durableNames.addDirectory(name);
    }
  }

  rename(from: string, to: string): void {
    const source = withoutTrailingSlash(from);
    const target = withoutTrailingSlash(to);
    this.requireDirectory('rename', parentOf(target));
    if (this.names.isDirectory(source)) {
      if (this.exists(target)) throw ioErrorFromErrno('rename', to, 'ENOTEMPTY');
      this.change({ kind: 'rename-directory', from: source, to: target });
      return;
    }
    const inode = this.names.fileAt(source);
    if (inode === undefined) throw ioErrorFromErrno('rename', from, 'ENOENT');
    if (this.names.isDirectory(target)) throw ioErrorFromErrno('rename', to, 'EISDIR');
    // Two names of one file: POSIX does nothing then, and both stay.
    if (this.names.fileAt(target) !== inode) this.change({ kind: 'rename', from: source, to: target, inode });
  }

  link(from: string, to: string): void {
    const target = posix.normalize(to);
    const inode = this.names.fileAt(posix.normalize(from));
    if (inode === undefined) throw ioErrorFromErrno('link', from, 'ENOENT');
    this.requireDirectory('link', parentOf(target));
    if (this.exists(target)) throw ioErrorFromErrno('link', to, 'EEXIST');
    this.change({ kind: 'link', path: target, inode });
  }

  copyFile(from: string, to: string): void {
    const bytes = this.readFile(from);
    const copy = this.open(to, 'create');
    try {
      copy.pwrite(bytes, 0, bytes.length, 0);
    } catch (error) {
      this.unlink(to);
      throw error;
    } finally {
      copy.close();
    }
  }

  linkCount(path: string): number {
    const inode = this.names.fileAt(posix.normalize(path));
    if (inode === undefined) throw ioErrorFromErrno('linkCount', path, 'ENOENT');
    return this.usage.namesOf(inode);
  }

  unlink(path: string): void {
    const name = posix.normalize(path);
    const inode = this.names.fileAt(name);
    if (inode === undefined) throw ioErrorFromErrno('unlink', path, 'ENOENT');
    this.change({ kind: 'unlink', path: name, inode });
  }

  syncDirectory(path: string): void {
    const name = withoutTrailingSlash(path);
    this.requireDirectory('syncDirectory', name);
    const rest: NameChange[] = [];
    for (const change of this.unsyncedNames) {
      if (touchesDirectory(change, name)) this.durableNames.apply(change);
      else rest.push(change);
    }
    this.unsyncedNames = rest;
  }

  readFile(path: string): Uint8Array {
    return readWholeFile(this, path);
  }

  writeFileAtomic(path: string, bytes: Uint8Array): void {
    replaceFile(this, path, bytes);
  }

  sizeOf(path: string): number {
    const name = posix.normalize(path);
    const inode = this.names.fileAt(name);
    if (inode !== undefined) return inode.size;
    throw ioErrorFromErrno('sizeOf', path, this.names.isDirectory(name) ? 'EISDIR' : 'ENOENT');
  }

  modifiedMsOf(path: string): number {
    const inode = this.names.fileAt(posix.normalize(path));
    if (inode === undefined) throw ioErrorFromErrno('modifiedMsOf', path, 'ENOENT');
    return inode.changes;
  }

  freeBytes(_path: string): number {
    return Math.max(0, this.capacityBytes - this.usage.usedBytes);
  }

  totalBytes(_path: string): number {
    return this.capacityBytes;
  }

  /** Used by MemoryFile: does what changes the size of `inode`, if the device has room for a file of `end` bytes. */
  resize(operation: string, path: string, inode: MemoryInode, end: number, action: () => void): void {
    const before = inode.size;
    if (end > before && end - before > this.freeBytes(path)) {
      throw ioErrorFromErrno(operation, path, 'ENOSPC');
    }
    action();
    this.usage.resized(inode, before);
  }

  private change(change: NameChange): void {
    this.names.apply(change);
    if (this.modelsPowerCuts) this.unsyncedNames.push(change);
  }

  private requireDirectory(operation: string, path: string): void {
    if (!this.names.isDirectory(path)) throw ioErrorFromErrno(operation, path, 'ENOENT');
  }
}

class MemoryFile implements VfsFile {
  private open = true;

  constructor(
    readonly path: string,
    private readonly inode: MemoryInode,
    private readonly writable: boolean,
    private readonly vfs: MemoryVfs,
  ) {}

  pread(buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.require('pread', this.open);
    return this.inode.read(buffer, offset, length, position);
  }

  pwrite(buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.require('pwrite', this.open && this.writable);
    if (length === 0) return;
    this.vfs.resize('pwrite', this.path, this.inode, position + length, () =>
      this.inode.write(buffer.subarray(offset, offset + length), position),
    );
  }

  fdatasync(): void {
    this.require('fdatasync', this.open);
    this.inode.sync();
  }

  fsync(): void {
    this.require('fsync', this.open);
    this.inode.sync();
  }

  size(): number {
    this.require('size', this.open);
    return this.inode.size;
  }

  truncate(size: number): void {
    this.require('truncate', this.open && this.writable);
    this.vfs.resize('truncate', this.path, this.inode, size, () => this.inode.truncate(size));
  }

  close(): void {
    this.open = false;
  }

  private require(operation: string, condition: boolean): void {
    if (!condition) throw ioErrorFromErrno(operation, this.path, 'EBADF');
  }
}

function withoutTrailingSlash(path: string): string {
  const name = posix.normalize(path);
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

/** `copy` with a memory: one copy per inode, however many names lead to it. */
function onceEach(copy: (inode: MemoryInode) => MemoryInode): (inode: MemoryInode) => MemoryInode {
  const copies = new Map<MemoryInode, MemoryInode>();
  return (inode) => {
    let result = copies.get(inode);
    if (result === undefined) {
      result = copy(inode);
      copies.set(inode, result);
    }
    return result;
  };
}
