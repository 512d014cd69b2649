/**
 * One directory of a local store, held open. Everything in it is reached through the handle (/proc/self/fd is what Linux
 * has for openat where there is no such call), and no name is followed if it is a symbolic link: whoever can plant a link
 * or swap a directory for one, at whatever moment, does not lead us out of the root. Only the root itself, which an
 * operator chose, may be reached through links. Any thread. Errors: DbError('IO').
 */
import { constants, type Dirent, type Stats } from 'node:fs';
import * as fs from 'node:fs/promises';
import { dirname } from 'node:path';
import { ioError, ioErrorFromErrno, isIoError } from '../../vfs/io-error.js';

const FILE_MODE = 0o600;
const DIRECTORY_MODE = 0o700;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;
const { O_CREAT, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants;

export type LocalFile = fs.FileHandle;
export type FileFacts = Stats;

export class LocalDirectory {
  private constructor(
    readonly path: string,
    private readonly handle: fs.FileHandle,
  ) {}

  /** Links are followed. */
  static async openRoot(path: string): Promise<LocalDirectory> {
    return new LocalDirectory(path, await attempt('open', path, () => fs.open(path, DIRECTORY)));
  }

  /** Creates it with all that is missing above it, durably. Nothing is wrong when it is there already. */
  static async createRoot(path: string): Promise<void> {
    // Not mkdir's own recursion, which goes round forever where the kernel makes no directories, such as in /proc.
    const missing: string[] = [];
    for (let at = path; !(await exists(at)); at = dirname(at)) missing.push(at);
    for (const at of missing.reverse()) {
      await ifMissing('EEXIST', () => attempt('makeDirectory', at, () => fs.mkdir(at, DIRECTORY_MODE)));
      // Its name lives in its parent.
      await syncPath(dirname(at));
    }
  }

  /** The directory below, which is created when it is missing and `create` says so. A link to one is refused with ELOOP. */
  async below(name: string, create: boolean): Promise<LocalDirectory> {
    const path = this.pathOf(name);
    const at = this.at(name);
    if (create)
      await ifMissing('EEXIST', () => attempt('makeDirectory', path, () => fs.mkdir(at, DIRECTORY_MODE)));
    try {
      return new LocalDirectory(path, await attempt('open', path, () => fs.open(at, DIRECTORY | O_NOFOLLOW)));
    } catch (error) {
      // The kernel says "no directory" of a link to one, too.
      if (isIoError(error, 'ENOTDIR') && (await this.facts(name))?.isSymbolicLink()) {
        throw ioErrorFromErrno('open', path, 'ELOOP');
      }
      throw error;
    }
  }

  /** A new file of that name; EEXIST when there is one. */
  create(name: string): Promise<LocalFile> {
    const flags = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW;
    return attempt('create', this.pathOf(name), () => fs.open(this.at(name), flags, FILE_MODE));
  }

  openFile(name: string): Promise<LocalFile> {
    // Without O_NONBLOCK a planted pipe would hold a thread of the pool until somebody writes into it.
    return attempt('open', this.pathOf(name), () =>
      fs.open(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK),
    );
  }

  /** Of the name itself, not of what a link points to; undefined when there is none. */
  facts(name: string): Promise<FileFacts | undefined> {
    return ifMissing('ENOENT', () => attempt('stat', this.pathOf(name), () => fs.lstat(this.at(name))));
  }

  entries(): Promise<Dirent[]> {
    return attempt('list', this.path, () => fs.readdir(this.at(''), { withFileTypes: true }));
  }

  rename(from: string, to: string): Promise<void> {
    return attempt('rename', this.pathOf(to), () => fs.rename(this.at(from), this.at(to)));
  }

  unlink(name: string): Promise<void> {
    return attempt('unlink', this.pathOf(name), () => fs.unlink(this.at(name)));
  }

  removeDirectory(name: string): Promise<void> {
    return attempt('removeDirectory', this.pathOf(name), () => fs.rmdir(this.at(name)));
  }

  /**
   * Of this directory and no other, also when one of the same name takes its place; undefined where the file system does not say
   * when it was made, because the number alone may be that of one that went.
   */
  async identity(): Promise<string | undefined> {
    const { dev, ino, birthtimeNs } = await attempt('stat', this.path, () =>
      this.handle.stat({ bigint: true }),
    );
    return birthtimeNs === 0n ? undefined : `${dev}:${ino}:${birthtimeNs}`;
  }

  /** Makes the names in it durable. */
  sync(): Promise<void> {
    return attempt('syncDirectory', this.path, () => this.handle.sync());
  }

  /** Makes the name of the root itself durable, where its parent may be read. */
  async syncParent(): Promise<void> {
    try {
      await syncPath(dirname(this.path));
    } catch (error) {
      // A directory that we may only pass through was made, and made durable, by somebody else.
      if (!isIoError(error, 'EACCES')) throw error;
    }
  }

  close(): Promise<void> {
    return attempt('close', this.path, () => this.handle.close());
  }

  pathOf(name: string): string {
    return `${this.path === '/' ? '' : this.path}/${name}`;
  }

  private at(name: string): string {
    return `/proc/self/fd/${this.handle.fd}/${name}`;
  }
}

/** Runs it; undefined instead of this errno. */
export async function ifMissing<T>(errno: string, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    if (isIoError(error, errno)) return undefined;
    throw error;
  }
}

async function exists(path: string): Promise<boolean> {
  return (await ifMissing('ENOENT', () => attempt('stat', path, () => fs.stat(path)))) !== undefined;
}

async function syncPath(path: string): Promise<void> {
  const directory = await LocalDirectory.openRoot(path);
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function attempt<T>(operation: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw ioError(operation, path, error);
  }
}
