/**
 * A file system in memory that knows what a power cut would leave. Bytes are durable after a sync of their file,
 * names after a sync of their directory (makeDirectory is durable at once, as the interface promises). For tests
 * and benchmarks; one thread.
 */
import { posix } from 'node:path';
import type { Prng } from '../base/prng.js';
import { ioErrorFromErrno } from './io-error.js';
import { type CrashMode, MemoryInode } from './memory-inode.js';
import { MemoryNames, type NameChange, touchesDirectory } from './memory-names.js';
import { parentOf, readWholeFile, replaceFile } from './transfer.js';
import type { OpenMode, Vfs, VfsFile } from './vfs.js';

export interface MemoryVfsOptions {
  /** Bytes all files together may have; beyond it writes fail with ENOSPC. Unlimited if absent. */
  readonly capacityBytes?: number;
}

export class MemoryVfs implements Vfs {
  private names = new MemoryNames();
  private durableNames = new MemoryNames();
  private unsyncedNames: NameChange[] = [];
  private capacityBytes: number;

  constructor(options: MemoryVfsOptions = {}) {
    this.capacityBytes = options.capacityBytes ?? Number.MAX_SAFE_INTEGER;
  }

  /** Makes the device larger or smaller; smaller than what is used means that nothing can grow. */
  setCapacity(bytes: number): void {
    this.capacityBytes = bytes;
  }

  /** A file system as a power cut at this moment could leave it. This one is not changed. */
  crash(prng: Prng, mode: CrashMode): MemoryVfs {
    const left = this.durableNames.copy();
    // Journals keep the order of names; not every file system has one. Half of the crashes each.
    const inOrder = prng.nextBelow(2) === 0;
    const prefix = prng.nextBelow(this.unsyncedNames.length + 1);
    this.unsyncedNames.forEach((change, index) => {
      const arrived = inOrder ? index < prefix : prng.nextBelow(2) === 1;
      if (mode === 'kept' || (mode === 'mixed' && arrived)) left.apply(change);
    });
    const inodes = new Map<MemoryInode, MemoryInode>();
    const result = new MemoryVfs({ capacityBytes: this.capacityBytes });
    result.names = replaceInodes(left, inodes, (inode) => inode.afterPowerCut(prng, mode));
    result.durableNames = result.names.copy();
    return result;
  }

  /** A file system as the death of the process leaves it: all that was written, still unsynced where it was. */
  kill(): MemoryVfs {
    const inodes = new Map<MemoryInode, MemoryInode>();
    const survive = (inode: MemoryInode): MemoryInode => inode.afterKill();
    const result = new MemoryVfs({ capacityBytes: this.capacityBytes });
    result.names = replaceInodes(this.names, inodes, survive);
    result.durableNames = replaceInodes(this.durableNames, inodes, survive);
    result.unsyncedNames = this.unsyncedNames.map((change) =>
      change.kind === 'rename-directory'
        ? change
        : { ...change, inode: mapped(inodes, change.inode, survive) },
    );
    return result;
  }

  open(path: string, mode: OpenMode): VfsFile {
    const name = posix.normalize(path);
    if (this.names.directories.has(name)) throw ioErrorFromErrno('open', path, 'EISDIR');
    const existing = this.names.files.get(name);
    if (mode !== 'create') {
      if (existing === undefined) throw ioErrorFromErrno('open', path, 'ENOENT');
      return new MemoryFile(path, existing, mode === 'readwrite', this);
    }
    if (existing !== undefined) throw ioErrorFromErrno('open', path, 'EEXIST');
    this.requireDirectory('open', parentOf(name));
    const inode = new MemoryInode();
    this.change({ kind: 'link', path: name, inode });
    return new MemoryFile(path, inode, true, this);
  }

  exists(path: string): boolean {
    const name = posix.normalize(path);
    return this.names.files.has(name) || this.names.directories.has(name);
  }

  list(directory: string): string[] {
    const name = withoutTrailingSlash(directory);
    this.requireDirectory('list', name);
    const found: string[] = [];
    for (const path of this.names.files.keys()) if (parentOf(path) === name) found.push(posix.basename(path));
    for (const path of this.names.directories) {
      if (path !== name && path !== '.' && parentOf(path) === name) found.push(posix.basename(path));
    }
    return found.sort();
  }

  makeDirectory(path: string): void {
    for (let name = withoutTrailingSlash(path); name !== parentOf(name); name = parentOf(name)) {
      if (this.names.files.has(name)) throw ioErrorFromErrno('makeDirectory', path, 'EEXIST');
      this.names.directories.add(name);
      this.durableNames.directories.add(name);
    }
  }

  rename(from: string, to: string): void {
    const source = withoutTrailingSlash(from);
    const target = withoutTrailingSlash(to);
    this.requireDirectory('rename', parentOf(target));
    if (this.names.directories.has(source)) {
      if (this.exists(target)) throw ioErrorFromErrno('rename', to, 'ENOTEMPTY');
      this.change({ kind: 'rename-directory', from: source, to: target });
      return;
    }
    const inode = this.names.files.get(source);
    if (inode === undefined) throw ioErrorFromErrno('rename', from, 'ENOENT');
    if (this.names.directories.has(target)) throw ioErrorFromErrno('rename', to, 'EISDIR');
    if (source !== target) this.change({ kind: 'rename', from: source, to: target, inode });
  }

  unlink(path: string): void {
    const name = posix.normalize(path);
    const inode = this.names.files.get(name);
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

  freeBytes(_path: string): number {
    let used = 0;
    for (const inode of this.names.files.values()) used += inode.size;
    return Math.max(0, this.capacityBytes - used);
  }

  private change(change: NameChange): void {
    this.names.apply(change);
    this.unsyncedNames.push(change);
  }

  private requireDirectory(operation: string, path: string): void {
    if (!this.names.directories.has(path)) throw ioErrorFromErrno(operation, path, 'ENOENT');
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
    this.requireSpace('pwrite', position + length);
    if (length > 0) this.inode.write(buffer.subarray(offset, offset + length), position);
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
    this.requireSpace('truncate', size);
    this.inode.truncate(size);
  }

  close(): void {
    this.open = false;
  }

  private require(operation: string, condition: boolean): void {
    if (!condition) throw ioErrorFromErrno(operation, this.path, 'EBADF');
  }

  private requireSpace(operation: string, end: number): void {
    const growth = end - this.inode.size;
    if (growth > 0 && growth > this.vfs.freeBytes(this.path)) {
      throw ioErrorFromErrno(operation, this.path, 'ENOSPC');
    }
  }
}

function withoutTrailingSlash(path: string): string {
  const name = posix.normalize(path);
  return name.length > 1 && name.endsWith('/') ? name.slice(0, -1) : name;
}

type InodeCopy = (inode: MemoryInode) => MemoryInode;

/** One copy per inode, however many names lead to it. */
function mapped(copies: Map<MemoryInode, MemoryInode>, inode: MemoryInode, copy: InodeCopy): MemoryInode {
  let result = copies.get(inode);
  if (result === undefined) {
    result = copy(inode);
    copies.set(inode, result);
  }
  return result;
}

function replaceInodes(
  names: MemoryNames,
  copies: Map<MemoryInode, MemoryInode>,
  copy: InodeCopy,
): MemoryNames {
  const result = names.copy();
  for (const [path, inode] of names.files) result.files.set(path, mapped(copies, inode, copy));
  return result;
}
