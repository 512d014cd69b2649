/** Bytes in memory that can be read like a file, for readers of tables. */
import { ioErrorFromErrno } from '../../vfs/io-error.js';
import type { VfsFile } from '../../vfs/vfs.js';

export class BytesFile implements VfsFile {
  constructor(
    readonly path: string,
    private readonly bytes: Uint8Array,
  ) {}

  pread(buffer: Uint8Array, offset: number, length: number, position: number): number {
    const part = this.bytes.subarray(position, position + length);
    buffer.set(part, offset);
    return part.length;
  }

  size(): number {
    return this.bytes.length;
  }

  close(): void {}

  pwrite(): void {
    this.refuse('pwrite');
  }
  truncate(): void {
    this.refuse('truncate');
  }
  fdatasync(): void {
    this.refuse('fdatasync');
  }
  fsync(): void {
    this.refuse('fsync');
  }

  private refuse(operation: string): never {
    throw ioErrorFromErrno(operation, this.path, 'EROFS');
  }
}
