/** What every Vfs builds from smaller steps: loops over partial transfers, and the atomic replacement of a file. */
import { assert } from '../base/assert.js';
import { ioErrorFromErrno, isIoError } from './io-error.js';
import type { Vfs, VfsFile } from './vfs.js';

/** One system call: moves up to `length` bytes between `buffer[offset..]` and the file and says how many it moved. */
export type Transfer = (offset: number, length: number, position: number) => number;

/** Repeats `write` until all bytes are out. A call that moves nothing is an error, never an endless loop. */
export function writeFully(
  path: string,
  offset: number,
  length: number,
  position: number,
  write: Transfer,
): void {
  let done = 0;
  while (done < length) {
    const written = write(offset + done, length - done, position + done);
    if (written <= 0) throw ioErrorFromErrno('pwrite', path, 'ENOSPC');
    assert(written <= length - done, 'a write moved more bytes than it was given');
    done += written;
  }
}

/** Repeats `read` until `length` bytes are in or the file ends; returns the bytes read. */
export function readFully(offset: number, length: number, position: number, read: Transfer): number {
  let done = 0;
  while (done < length) {
    const count = read(offset + done, length - done, position + done);
    if (count <= 0) break;
    done += count;
  }
  return done;
}

export function readWholeFile(vfs: Vfs, path: string): Uint8Array {
  const file = vfs.open(path, 'read');
  try {
    const bytes = new Uint8Array(file.size());
    const count = file.pread(bytes, 0, bytes.length, 0);
    return count === bytes.length ? bytes : bytes.slice(0, count);
  } finally {
    file.close();
  }
}

/**
 * Temporary file, fsync, rename, directory fsync. The temporary name is `<path>.<n>.tmp`, created exclusively, so
 * two threads never share one; a crash can leave it behind (see isAtomicWriteLeftover).
 */
export function replaceFile(vfs: Vfs, path: string, bytes: Uint8Array): void {
  const file = createTemporary(vfs, path);
  try {
    try {
      file.pwrite(bytes, 0, bytes.length, 0);
      file.fsync();
    } finally {
      file.close();
    }
    vfs.rename(file.path, path);
  } catch (error) {
    unlinkQuietly(vfs, file.path);
    throw error;
  }
  // Without this a crash can bring the old file back after the caller was told that it is gone.
  vfs.syncDirectory(parentOf(path));
}

/** True for a name that replaceFile gives to its temporary file for the target name `targetName`. */
export function isAtomicWriteLeftover(name: string, targetName: string): boolean {
  return name.startsWith(`${targetName}.`) && /^\d+\.tmp$/.test(name.slice(targetName.length + 1));
}

export function parentOf(path: string): string {
  const slash = path.lastIndexOf('/');
  if (slash < 0) return '.';
  return slash === 0 ? '/' : path.slice(0, slash);
}

/** The path itself, or with the first suffix `.<n>` that nothing has: what is in quarantine is never overwritten. */
export function freePath(vfs: Vfs, path: string): string {
  if (!vfs.exists(path)) return path;
  for (let suffix = 1; ; suffix++) {
    const candidate = `${path}.${suffix}`;
    if (!vfs.exists(candidate)) return candidate;
  }
}

/** For clean-up after a failure whose own error matters more. */
export function unlinkQuietly(vfs: Vfs, path: string): void {
  try {
    vfs.unlink(path);
  } catch {
    // The first error is the one to report; the leftover has a name that start-up recognises.
  }
}

const TEMPORARY_ATTEMPTS_MAX = 10_000;

function createTemporary(vfs: Vfs, path: string): VfsFile {
  for (let attempt = 0; attempt < TEMPORARY_ATTEMPTS_MAX; attempt++) {
    try {
      return vfs.open(`${path}.${attempt}.tmp`, 'create');
    } catch (error) {
      if (!isIoError(error, 'EEXIST')) throw error;
    }
  }
  throw ioErrorFromErrno('open', `${path}.tmp`, 'EEXIST');
}
