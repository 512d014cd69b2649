/**
 * A store in a directory of this machine, or of one that it has mounted. An object is a file of its name. A put writes
 * `.name.<random>.tmp` beside it, makes that durable and renames it, so that every name stands for a whole object at all
 * times. Files are 0600 and directories 0700: a backup has all the data of the database. Any thread.
 */
import { randomBytes } from 'node:crypto';
import { DbError } from '../../base/errors.js';
import { ioError, isIoError } from '../../vfs/io-error.js';
import { GuardedSource } from './guarded-source.js';
import { type FileFacts, ifMissing, LocalDirectory, type LocalFile } from './local-directory.js';
import { directoriesIn, holdsObject, objectsBelow, sweepTemporaries } from './local-walk.js';
import { checkFolderPrefix, checkName, checkPrefix } from './names.js';
import type { ListedObject, ObjectFacts, ObjectStore } from './object-store.js';
import { readWhole } from './read-whole.js';
import { changedMeanwhile, endsBefore, endsEarly, notFound } from './store-errors.js';

const CHUNK_BYTES = 1024 * 1024;
const DURABLE_MAX = 10_000;
/** How often a put makes its folder again because a delete beside it has just taken the empty one away. */
const FOLDER_ATTEMPTS_MAX = 10;

/** Where a name leads: the directories from the root down, all open, and the file in the last one. */
interface Place {
  readonly directories: readonly LocalDirectory[];
  readonly parent: LocalDirectory;
  readonly leaf: string;
}

export class LocalStore implements ObjectStore {
  readonly url: string;

  constructor(
    private readonly root: string,
    /** The folder that this store is a view of: '' or a name with '/' behind it. */
    private readonly base = '',
    /** Identities of directories whose own names were made durable by this store or a view of it. */
    private readonly durable = new Set<string>(),
  ) {
    this.url = base === '' ? root : `${root === '/' ? '' : root}/${base.slice(0, -1)}`;
  }

  async put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly sizeBytes: number }> {
    const { signal } = options;
    checkName(name);
    signal?.throwIfAborted();
    const temporary = `.${leafOf(name)}.${randomBytes(6).toString('hex')}.tmp`;
    const { place, file } = await this.createTemporary(name, temporary);
    try {
      const guarded = new GuardedSource(source, signal);
      try {
        await writeWhole(file, place.parent.pathOf(temporary), guarded);
        signal?.throwIfAborted();
        await place.parent.rename(temporary, place.leaf);
      } catch (error) {
        // What cannot be removed now is swept later; the failure to tell of is the first one.
        await place.parent.unlink(temporary).catch(() => undefined);
        throw error;
      }
      await place.parent.sync();
      await this.syncNames(place.directories);
      return { sizeBytes: guarded.sizeBytes };
    } finally {
      await leave(place);
    }
  }

  async *get(
    name: string,
    options: { readonly offset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { offset = 0, signal } = options;
    checkName(name);
    const { file, path } = await this.openObject(name);
    try {
      const before = await statOf(file, path);
      if (!before.isFile()) throw notFound(name, this.url);
      const sizeBytes = before.size;
      if (offset > sizeBytes) throw endsBefore(name, this.url, offset, sizeBytes);
      for (let position = offset; position < sizeBytes; ) {
        signal?.throwIfAborted();
        const chunk = await readChunk(file, path, position, Math.min(CHUNK_BYTES, sizeBytes - position));
        if (chunk.byteLength === 0) throw endsEarly(name, this.url, position, sizeBytes);
        position += chunk.byteLength;
        yield chunk;
      }
      // A put renames and leaves this file as it is: whoever wrote into it is none of us.
      const after = await statOf(file, path);
      if (after.size !== sizeBytes || after.mtimeMs !== before.mtimeMs)
        throw changedMeanwhile(name, this.url);
    } finally {
      await file.close();
    }
  }

  read(name: string, maxBytes: number): Promise<Uint8Array> {
    return readWhole(this, name, maxBytes);
  }

  async stat(name: string): Promise<ObjectFacts | undefined> {
    checkName(name);
    const facts = await this.ifThere(name, ({ parent, leaf }) => parent.facts(leaf));
    return facts?.isFile() ? { sizeBytes: facts.size, modifiedMs: Math.floor(facts.mtimeMs) } : undefined;
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    const full = this.base + checkPrefix(prefix);
    const slash = full.lastIndexOf('/') + 1;
    const place = await ifNothingThere(() => this.enter(`${full.slice(0, slash)}x`, false));
    if (place === undefined) return;
    try {
      for await (const object of objectsBelow(place.parent, full.slice(0, slash), full.slice(slash))) {
        yield { ...object, name: object.name.slice(this.base.length) };
      }
    } finally {
      await leave(place);
    }
  }

  async folders(prefix: string): Promise<string[]> {
    checkFolderPrefix(prefix);
    const found = await this.ifThere(`${prefix}x`, async ({ parent }) => {
      const names: string[] = [];
      // An empty directory is none: other stores have no such thing.
      for (const name of await directoriesIn(parent)) if (await holdsObject(parent, name)) names.push(name);
      return names;
    });
    return found ?? [];
  }

  async delete(name: string): Promise<void> {
    checkName(name);
    await this.ifThere(name, async ({ directories, parent, leaf }) => {
      await ifMissing('ENOENT', () => ifMissing('EISDIR', () => parent.unlink(leaf)));
      // Also when it was not there: whoever removed it may have been killed before this.
      await parent.sync();
      // A folder that is made again may look like the one that went.
      this.durable.clear();
      await removeEmpty(directories);
    });
  }

  async sweepUnfinished(beganBeforeMs: number): Promise<number> {
    const swept = await this.ifThere('x', ({ parent }) => sweepTemporaries(parent, beganBeforeMs));
    return swept ?? 0;
  }

  below(folder: string): ObjectStore {
    return new LocalStore(this.root, `${this.base}${checkName(folder)}/`, this.durable);
  }

  async close(): Promise<void> {}

  /** All the way up: a folder may be new, made by us or by a put beside us that has not come to this point yet. */
  private async syncNames(directories: readonly LocalDirectory[]): Promise<void> {
    for (let at = directories.length - 1; at >= 0; at--) {
      const identity = await directories[at].identity();
      if (identity !== undefined && this.durable.has(identity)) continue;
      if (at > 0) await directories[at - 1].sync();
      else await directories[0].syncParent();
      if (identity === undefined) continue;
      if (this.durable.size >= DURABLE_MAX) this.durable.clear();
      this.durable.add(identity);
    }
  }

  private async createTemporary(
    name: string,
    temporary: string,
  ): Promise<{ readonly place: Place; readonly file: LocalFile }> {
    for (let attempt = 1; ; attempt++) {
      try {
        const place = await this.enter(this.base + name, true);
        try {
          return { place, file: await place.parent.create(temporary) };
        } catch (error) {
          await leave(place);
          throw error;
        }
      } catch (error) {
        if (!isIoError(error, 'ENOENT') || attempt === FOLDER_ATTEMPTS_MAX) throw error;
      }
    }
  }

  private async openObject(name: string): Promise<{ readonly file: LocalFile; readonly path: string }> {
    const opened = await this.ifThere(name, async ({ parent, leaf }) => ({
      file: await parent.openFile(leaf),
      path: parent.pathOf(leaf),
    }));
    if (opened === undefined) throw notFound(name, this.url);
    return opened;
  }

  /** Goes where the name leads and leaves again; undefined when there is nothing. */
  private async ifThere<T>(name: string, action: (place: Place) => Promise<T>): Promise<T | undefined> {
    return ifNothingThere(async () => {
      const place = await this.enter(this.base + name, false);
      try {
        return await action(place);
      } finally {
        await leave(place);
      }
    });
  }

  private async openRoot(create: boolean): Promise<LocalDirectory> {
    const root = await ifMissing('ENOENT', () => LocalDirectory.openRoot(this.root));
    if (root !== undefined) return root;
    if (create) await LocalDirectory.createRoot(this.root);
    return LocalDirectory.openRoot(this.root);
  }

  /** Opens the directories on the way to a full name. */
  private async enter(full: string, create: boolean): Promise<Place> {
    const parts = full.split('/');
    const leaf = parts.pop() ?? '';
    let parent = await this.openRoot(create);
    const directories = [parent];
    try {
      for (const part of parts) {
        parent = await parent.below(part, create);
        directories.push(parent);
      }
    } catch (error) {
      await leave({ directories });
      throw error;
    }
    return { directories, parent, leaf };
  }
}

/** A name that leads through a file leads to nothing, as in other stores. */
function ifNothingThere<T>(action: () => Promise<T>): Promise<T | undefined> {
  return ifMissing('ENOENT', () => ifMissing('ENOTDIR', action));
}

async function leave(place: Pick<Place, 'directories'>): Promise<void> {
  for (const directory of place.directories) await directory.close();
}

function leafOf(name: string): string {
  return name.slice(name.lastIndexOf('/') + 1);
}

/** Folders are there for their objects: the last one takes them with it, up to the root. */
async function removeEmpty(directories: readonly LocalDirectory[]): Promise<void> {
  for (let at = directories.length - 1; at > 0; at--) {
    const { path } = directories[at];
    try {
      await directories[at - 1].removeDirectory(path.slice(path.lastIndexOf('/') + 1));
    } catch (error) {
      // Not empty, most of the time. An empty directory is no harm and not listed, so no failure is one of the delete.
      if (error instanceof DbError) return;
      throw error;
    }
  }
}

async function writeWhole(file: LocalFile, path: string, source: AsyncIterable<Uint8Array>): Promise<void> {
  try {
    for await (const chunk of source) await writeChunk(file, path, chunk);
    await wrapped('fsync', path, () => file.sync());
  } catch (error) {
    await file.close().catch(() => undefined);
    throw error;
  }
  // Some network file systems tell only here that there was no space.
  await wrapped('close', path, () => file.close());
}

async function writeChunk(file: LocalFile, path: string, chunk: Uint8Array): Promise<void> {
  for (let written = 0; written < chunk.byteLength; ) {
    const { bytesWritten } = await wrapped('write', path, () => file.write(chunk, written));
    written += bytesWritten;
  }
}

async function readChunk(file: LocalFile, path: string, position: number, length: number): Promise<Buffer> {
  const chunk = Buffer.allocUnsafeSlow(length);
  const { bytesRead } = await wrapped('read', path, () => file.read(chunk, 0, length, position));
  return chunk.subarray(0, bytesRead);
}

function statOf(file: LocalFile, path: string): Promise<FileFacts> {
  return wrapped('stat', path, () => file.stat());
}

async function wrapped<T>(operation: string, path: string, action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    throw ioError(operation, path, error);
  }
}
