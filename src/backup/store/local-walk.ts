/** What is below a directory of a local store, in the order of full names. Passes over links, pipes and the like. */
import { isIoError } from '../../vfs/io-error.js';
import { ifMissing, type LocalDirectory } from './local-directory.js';
import { isObjectName, isTemporaryName } from './names.js';
import type { ListedObject } from './object-store.js';

interface Child {
  readonly name: string;
  readonly isDirectory: boolean;
}

/** Objects below it whose names go on with `rest` after `prefix`, the name of `directory` with a '/' behind it, or ''. */
export async function* objectsBelow(
  directory: LocalDirectory,
  prefix: string,
  rest: string,
): AsyncGenerator<ListedObject> {
  for (const { name, isDirectory } of await childrenOf(directory)) {
    if (!name.startsWith(rest) || !isObjectName(prefix + name)) continue;
    if (isDirectory) yield* inside(directory, name, (below) => objectsBelow(below, `${prefix}${name}/`, ''));
    else {
      const facts = await directory.facts(name);
      // Gone since the directory was read, or something else by now.
      if (!facts?.isFile()) continue;
      yield { name: prefix + name, sizeBytes: facts.size, modifiedMs: Math.floor(facts.mtimeMs) };
    }
  }
}

/** Whether there is an object anywhere below. */
export async function holdsObject(directory: LocalDirectory, name: string): Promise<boolean> {
  for await (const _object of inside(directory, name, (below) => objectsBelow(below, '', ''))) return true;
  return false;
}

export async function directoriesIn(directory: LocalDirectory): Promise<string[]> {
  const children = await childrenOf(directory);
  return children
    .filter(({ name, isDirectory }) => isDirectory && isObjectName(name))
    .map(({ name }) => name);
}

/** Removes the temporary files below that were last written before then; returns how many. */
export async function sweepTemporaries(directory: LocalDirectory, beforeMs: number): Promise<number> {
  let swept = 0;
  for (const { name, isDirectory } of await childrenOf(directory)) {
    if (isDirectory) {
      const below = inside(directory, name, async function* (child) {
        yield await sweepTemporaries(child, beforeMs);
      });
      for await (const count of below) swept += count;
    } else if (isTemporaryName(name)) {
      const facts = await directory.facts(name);
      if (facts === undefined || facts.mtimeMs >= beforeMs) continue;
      await ifMissing('ENOENT', () => directory.unlink(name));
      swept += 1;
    }
  }
  return swept;
}

/** Sorted as the names of the objects are: what is in a directory "a" begins with "a/", and comes after "a-b". */
async function childrenOf(directory: LocalDirectory): Promise<Child[]> {
  const entries = await directory.entries();
  return entries
    .filter((entry) => entry.isDirectory() || entry.isFile())
    .map((entry) => ({ name: entry.name, isDirectory: entry.isDirectory() }))
    .map((child) => ({ child, key: Buffer.from(child.isDirectory ? `${child.name}/` : child.name) }))
    .sort((a, b) => Buffer.compare(a.key, b.key))
    .map(({ child }) => child);
}

/** Opens a directory for as long as it is read from; one that is gone, or no longer one, holds nothing. */
async function* inside<T>(
  parent: LocalDirectory,
  name: string,
  read: (directory: LocalDirectory) => AsyncIterable<T>,
): AsyncGenerator<T> {
  let directory: LocalDirectory;
  try {
    directory = await parent.below(name, false);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].some((errno) => isIoError(error, errno))) return;
    throw error;
  }
  try {
    yield* read(directory);
  } finally {
    await directory.close();
  }
}
