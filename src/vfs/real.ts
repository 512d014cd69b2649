/** Files of the operating system. The home of node:fs in the storage column. Any thread; holds no state. */
import * as fs from 'node:fs';
import { resolve } from 'node:path';
import { makeDirectories } from '../base/make-directories.js';
import { ioError, ioErrorFromErrno, isIoError } from './io-error.js';
import { parentOf, readFully, readWholeFile, replaceFile, writeFully } from './transfer.js';
import type { OpenMode, Vfs, VfsFile } from './vfs.js';

const FLAGS: Readonly<Record<OpenMode, string>> = { read: 'r', readwrite: 'r+', create: 'wx+' };
const FILE_MODE = 0o640;
const DIRECTORY_MODE = 0o750;

class RealFile implements VfsFile {
  private open = true;

  constructor(
    readonly path: string,
    private readonly fd: number,
  ) {}

  pread(buffer: Uint8Array, offset: number, length: number, position: number): number {
    this.requireOpen('pread');
    try {
      return readFully(offset, length, position, (o, l, p) => fs.readSync(this.fd, buffer, o, l, p));
    } catch (error) {
      throw ioError('pread', this.path, error);
    }
  }

  pwrite(buffer: Uint8Array, offset: number, length: number, position: number): void {
    this.requireOpen('pwrite');
    writeFully(this.path, offset, length, position, (o, l, p) => {
      try {
        return fs.writeSync(this.fd, buffer, o, l, p);
      } catch (error) {
        throw ioError('pwrite', this.path, error);
      }
    });
  }

  fdatasync(): void {
    this.requireOpen('fdatasync');
    attempt('fdatasync', this.path, () => fs.fdatasyncSync(this.fd));
  }

  fsync(): void {
    this.requireOpen('fsync');
    attempt('fsync', this.path, () => fs.fsyncSync(this.fd));
  }

  size(): number {
    this.requireOpen('size');
    return attempt('size', this.path, () => fs.fstatSync(this.fd).size);
  }

  truncate(size: number): void {
    this.requireOpen('truncate');
    attempt('truncate', this.path, () => fs.ftruncateSync(this.fd, size));
  }

  close(): void {
    // The number may belong to another file after the first close, so it is never closed twice.
    if (!this.open) return;
    this.open = false;
    attempt('close', this.path, () => fs.closeSync(this.fd));
  }

  /** The kernel cannot tell: the number may be that of another open file by now, which would be read or overwritten. */
  private requireOpen(operation: string): void {
    if (!this.open) throw ioErrorFromErrno(operation, this.path, 'EBADF');
  }
}

export class RealVfs implements Vfs {
  open(path: string, mode: OpenMode): VfsFile {
    return new RealFile(
      path,
      attempt('open', path, () => fs.openSync(path, FLAGS[mode], FILE_MODE)),
    );
  }

  exists(path: string): boolean {
    try {
      return fs.statSync(path, { throwIfNoEntry: false }) !== undefined;
    } catch (error) {
      const failure = ioError('exists', path, error);
      // Something in front of the name is no directory: nothing can be there.
      if (isIoError(failure, 'ENOTDIR')) return false;
      // Anything else is no answer. Taken for "not there", it would start an empty shard over a real one.
      throw failure;
    }
  }

  list(directory: string): string[] {
    return attempt('list', directory, () => fs.readdirSync(directory).sort());
  }

  makeDirectory(path: string): void {
    const target = resolve(path);
    const first = attempt('makeDirectory', path, () => makeDirectories(target, DIRECTORY_MODE));
    // Each new name lives in its parent: sync from the deepest parent up to that of the first one created. If it was there
    // already, its own parent: whoever made it may have been killed before the sync.
    const last = parentOf(first === undefined ? target : resolve(first));
    let parent = parentOf(target);
    if (first === undefined) this.syncIfReadable(parent);
    else this.syncDirectory(parent);
    while (parent !== last) {
      parent = parentOf(parent);
      this.syncDirectory(parent);
    }
  }

  rename(from: string, to: string): void {
    attempt('rename', from, () => fs.renameSync(from, to));
  }

  link(from: string, to: string): void {
    attempt('link', from, () => fs.linkSync(from, to));
  }

  copyFile(from: string, to: string): void {
    const { COPYFILE_EXCL, COPYFILE_FICLONE } = fs.constants;
    attempt('copyFile', to, () => fs.copyFileSync(from, to, COPYFILE_EXCL | COPYFILE_FICLONE));
  }

  linkCount(path: string): number {
    return attempt('linkCount', path, () => fs.statSync(path).nlink);
  }

  unlink(path: string): void {
    attempt('unlink', path, () => fs.unlinkSync(path));
  }

  syncDirectory(path: string): void {
    attempt('syncDirectory', path, () => {
      const fd = fs.openSync(path, 'r');
      try {
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
    });
  }

  /** A directory that this process may only pass through was made, and made durable, by somebody else. */
  private syncIfReadable(path: string): void {
    try {
      this.syncDirectory(path);
    } catch (error) {
      if (!isIoError(error, 'EACCES')) throw error;
    }
  }

  readFile(path: string): Uint8Array {
    return readWholeFile(this, path);
  }

  writeFileAtomic(path: string, bytes: Uint8Array): void {
    replaceFile(this, path, bytes);
  }

  sizeOf(path: string): number {
    const stats = attempt('sizeOf', path, () => fs.statSync(path));
    if (stats.isDirectory()) throw ioErrorFromErrno('sizeOf', path, 'EISDIR');
    return stats.size;
  }

  modifiedMsOf(path: string): number {
    return attempt('modifiedMsOf', path, () => fs.statSync(path).mtimeMs);
  }

  freeBytes(path: string): number {
    return attempt('freeBytes', path, () => {
      const { bavail, bsize } = fs.statfsSync(path);
      return bavail * bsize;
    });
  }

  totalBytes(path: string): number {
    return attempt('totalBytes', path, () => {
      const { blocks, bsize } = fs.statfsSync(path);
      return blocks * bsize;
    });
  }
}

function attempt<T>(operation: string, path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw ioError(operation, path, error);
  }
}
