/**
 * The space that the files of a memory file system take: each inode once, however many names lead to it, from its
 * first name to its last. Only the memory file system uses it. A file without a name costs nothing, also while it is
 * open: tests that fill a device do not depend on who still holds a handle.
 */
import type { MemoryInode } from './memory-inode.js';

export class MemoryUsage {
  private readonly names = new Map<MemoryInode, number>();
  private bytes = 0;

  get usedBytes(): number {
    return this.bytes;
  }

  /** How many names lead to it. */
  namesOf(inode: MemoryInode): number {
    return this.names.get(inode) ?? 0;
  }

  addName(inode: MemoryInode): void {
    const names = this.names.get(inode) ?? 0;
    if (names === 0) this.bytes += inode.size;
    this.names.set(inode, names + 1);
  }

  removeName(inode: MemoryInode): void {
    const names = this.names.get(inode) ?? 0;
    if (names > 1) {
      this.names.set(inode, names - 1);
    } else if (this.names.delete(inode)) {
      this.bytes -= inode.size;
    }
  }

  /** To be called after each change of a file's size. */
  resized(inode: MemoryInode, sizeBefore: number): void {
    if (this.names.has(inode)) this.bytes += inode.size - sizeBefore;
  }
}
