/**
 * The names of the memory file system, and changes to them. Names are kept twice, as they are and as a power cut
 * would leave them; a change carries the inode it is about, so that it can be applied late or out of order.
 *
 * Names are indexed by their directory, and the space that the named inodes take is counted as they come and go:
 * listing a directory costs its own length, and asking for the free space costs nothing.
 */
import type { MemoryInode } from './memory-inode.js';
import type { MemoryUsage } from './memory-usage.js';
import { parentOf } from './transfer.js';

export type NameChange =
  | { readonly kind: 'link'; readonly path: string; readonly inode: MemoryInode }
  | { readonly kind: 'unlink'; readonly path: string; readonly inode: MemoryInode }
  | { readonly kind: 'rename'; readonly from: string; readonly to: string; readonly inode: MemoryInode }
  | { readonly kind: 'rename-directory'; readonly from: string; readonly to: string };

export class MemoryNames {
  private readonly files = new Map<string, MemoryInode>();
  private readonly directories = new Set<string>(['/', '.']);
  /** Directory → names directly inside. Also of a directory whose own name has not arrived (see apply). */
  private readonly children = new Map<string, Set<string>>();

  /** Without `usage` nobody asks what these names take: the names that a power cut would leave. */
  constructor(private readonly usage?: MemoryUsage) {}

  fileAt(path: string): MemoryInode | undefined {
    return this.files.get(path);
  }

  isDirectory(path: string): boolean {
    return this.directories.has(path);
  }

  /** Names directly inside the directory, sorted. */
  namesIn(directory: string): string[] {
    return [...(this.children.get(directory) ?? [])].sort();
  }

  addDirectory(path: string): void {
    if (this.directories.has(path)) return;
    this.directories.add(path);
    this.addChild(path);
  }

  /** The same names over other inodes, for a copy of the whole file system. */
  mapped(copy: (inode: MemoryInode) => MemoryInode, usage?: MemoryUsage): MemoryNames {
    const result = new MemoryNames(usage);
    for (const path of this.directories) result.addDirectory(path);
    for (const [path, inode] of this.files) result.setFile(path, copy(inode));
    return result;
  }

  /** Changes may arrive out of order, and a file before the directory that it is in. */
  apply(change: NameChange): void {
    switch (change.kind) {
      case 'link':
        this.setFile(change.path, change.inode);
        return;
      case 'unlink':
        if (this.files.get(change.path) === change.inode) this.deleteFile(change.path);
        return;
      case 'rename':
        if (this.files.get(change.from) === change.inode) this.deleteFile(change.from);
        this.setFile(change.to, change.inode);
        return;
      case 'rename-directory':
        this.moveTree(change.from, change.to);
        return;
    }
  }

  private setFile(path: string, inode: MemoryInode): void {
    const replaced = this.files.get(path);
    if (replaced === inode) return;
    this.files.set(path, inode);
    this.usage?.addName(inode);
    if (replaced === undefined) this.addChild(path);
    else this.usage?.removeName(replaced);
  }

  private deleteFile(path: string): void {
    const inode = this.files.get(path);
    if (inode === undefined) return;
    this.files.delete(path);
    this.removeChild(path);
    this.usage?.removeName(inode);
  }

  /** Linear in all names: directories are moved rarely. */
  private moveTree(from: string, to: string): void {
    for (const [path, inode] of [...this.files]) {
      if (!path.startsWith(`${from}/`)) continue;
      this.setFile(to + path.slice(from.length), inode);
      this.deleteFile(path);
    }
    for (const path of [...this.directories]) {
      if (path !== from && !path.startsWith(`${from}/`)) continue;
      this.directories.delete(path);
      this.removeChild(path);
      this.addDirectory(to + path.slice(from.length));
    }
  }

  private addChild(path: string): void {
    const directory = parentOf(path);
    const names = this.children.get(directory);
    if (names === undefined) this.children.set(directory, new Set([baseName(path)]));
    else names.add(baseName(path));
  }

  private removeChild(path: string): void {
    const directory = parentOf(path);
    const names = this.children.get(directory);
    names?.delete(baseName(path));
    if (names?.size === 0) this.children.delete(directory);
  }
}

/** The directory whose sync makes the change durable. Of a rename between two, either one carries all of it. */
export function touchesDirectory(change: NameChange, directory: string): boolean {
  if (change.kind === 'link' || change.kind === 'unlink') return parentOf(change.path) === directory;
  return parentOf(change.from) === directory || parentOf(change.to) === directory;
}

const baseName = (path: string): string => path.slice(path.lastIndexOf('/') + 1);
