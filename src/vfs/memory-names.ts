/**
 * The names of the memory file system, and changes to them. Names are kept twice, as they are and as a power cut
 * would leave them; a change carries the inode it is about, so that it can be applied late or out of order.
 */
import type { MemoryInode } from './memory-inode.js';
import { parentOf } from './transfer.js';

export type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly inode: MemoryInode }
  | { readonly kind: 'unlink'; readonly path: string; readonly inode: MemoryInode }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: MemoryInode }
  | { readonly kind: 'rename-directory'; readonly from: string; readonly to: string };

export class MemoryNames {
  readonly files = new Map<string, MemoryInode>();
  readonly directories = new Set<string>(['/', '.']);

  copy(): MemoryNames {
    const copy = new MemoryNames();
    for (const [path, inode] of this.files) copy.files.set(path, inode);
    for (const path of this.directories) copy.directories.add(path);
    return copy;
  }

  apply(change: NameChange): void {
    switch (change.kind) {
      case 'link':
        this.files.set(change.path, change.inode);
        return;
      case 'unlink':
        if (this.files.get(change.path) === change.inode) this.files.delete(change.path);
        return;
      case 'rename':
        if (this.files.get(change.from) === change.inode) this.files.delete(change.from);
        this.files.set(change.to, change.inode);
        return;
      case 'rename-directory':
        this.moveTree(change.from, change.to);
        return;
    }
  }

  private moveTree(from: string, to: string): void {
    for (const [path, inode] of [...this.files]) {
      if (!path.startsWith(`${from}/`)) continue;
      this.files.delete(path);
      this.files.set(to + path.slice(from.length), inode);
    }
    for (const path of [...this.directories]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.directories.delete(path);
      this.directories.add(to + path.slice(from.length));
    }
  }
}

/** The directory whose sync makes the change durable. Of a rename between two, either one carries all of it. */
export function touchesDirectory(change: NameChange, directory: string): boolean {
  if (change.kind === 'link' || change.kind === 'unlink') return parentOf(change.path) === directory;
  return parentOf(change.from) === directory || parentOf(change.to) === directory;
}
