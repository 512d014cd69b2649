/**
 * The one interface through which the storage column reaches files. Synchronous on purpose: a shard thread has
 * nothing else to do while it writes its log, and a synchronous call costs a third of an awaited one.
 *
 * Durability follows POSIX, not what one file system happens to do:
 * - bytes written are durable after `fdatasync` or `fsync` of that file returned;
 * - a name (create, rename, unlink) is durable after `syncDirectory` of its directory returned;
 * - a failed sync says nothing about the bytes, and is never repeated in the hope of a better answer.
 *
 * Every failure is a DbError('IO') made by io-error.ts. Buffers may be views over a SharedArrayBuffer.
 */

/**
 * - `read`: must exist; writing is refused.
 * - `readwrite`: must exist.
 * - `create`: must not exist (EEXIST otherwise); opened for reading and writing.
 */
export type OpenMode = 'read' | 'readwrite' | 'create';

export interface VfsFile {
  readonly path: string;
  /** Reads up to `length` bytes into `buffer[offset..]`; fewer (as told by the result) only at the end of the file. */
  pread(buffer: Uint8Array, offset: number, length: number, position: number): number;
  /** Writes exactly `length` bytes. When it throws, any part of them may have been written. */
  pwrite(buffer: Uint8Array, offset: number, length: number, position: number): void;
  /** Makes the contents (and a changed size) durable, not the times. */
  fdatasync(): void;
  fsync(): void;
  /** Current size in bytes. */
  size(): number;
  truncate(size: number): void;
  /** Releases the handle; syncs nothing. A second call does nothing, any other call afterwards fails with EBADF. */
  close(): void;
}

export interface Vfs {
  open(path: string, mode: OpenMode): VfsFile;
  /** True for files and directories. */
  exists(path: string): boolean;
  /** Names (not paths) of files and directories directly inside, sorted by UTF-16 code units. */
  list(directory: string): string[];
  /** Creates the directory and its parents as needed, and makes their names durable. */
  makeDirectory(path: string): void;
  /** Replaces an existing target atomically. Durable after the directories of both names were synced. */
  rename(from: string, to: string): void;
  /**
   * A second name for a file (hard link): the bytes live until the last name is gone. Fails with EEXIST when `to`
   * exists. Durable after the directory of `to` was synced.
   */
  link(from: string, to: string): void;
  /**
   * A new file with the bytes of another, which shares their blocks where the file system can (reflink). Fails with EEXIST when `to`
   * exists. Nothing is durable; when it fails there is no such file.
   */
  copyFile(from: string, to: string): void;
  /** How many names a file has: more than one while something else keeps its bytes. */
  linkCount(path: string): number;
  unlink(path: string): void;
  syncDirectory(path: string): void;
  readFile(path: string): Uint8Array;
  /** After it returns the file has these bytes, durably; after a crash inside it, the old bytes or the new ones. */
  writeFileAtomic(path: string, bytes: Uint8Array): void;
  /** Size in bytes of a file that need not be open. A directory fails with EISDIR. */
  sizeOf(path: string): number;
  /** When the bytes of a file were last changed, in ms with a fraction. A label that tells an unchanged file from another. */
  modifiedMsOf(path: string): number;
  /** Bytes an unprivileged process can still allocate on the file system of `path`. */
  freeBytes(path: string): number;
  /** Size in bytes of the file system of `path`, with what only root may use. */
  totalBytes(path: string): number;
}
