/** mkdir -p, by hand: Node's own goes round forever where the kernel makes no directories, such as in /proc. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, resolve } from 'node:path';

/**
 * Creates the directory and what is missing above it. Returns the first that it has created, as an absolute path;
 * undefined when there was nothing to create. Throws the error of the file system, ENOTDIR or EEXIST where a name is
 * a file's.
 */
export function makeDirectories(path: string, mode: number): string | undefined {
  const missing: string[] = [];
  for (let at = resolve(path); !isDirectory(at); at = dirname(at)) missing.push(at);
  let first: string | undefined;
  for (const at of missing.reverse()) {
    if (made(at, mode)) first ??= at;
  }
  return first;
}

/** Throws where the answer is unknown (EACCES), and of a file in the way (ENOTDIR). */
const isDirectory = (path: string): boolean =>
  statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;

/** False when another process was faster. */
function made(path: string, mode: number): boolean {
  try {
    mkdirSync(path, { mode });
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isDirectory(path)) return false;
    // The directory above is there. "No such file or directory" would not help anybody.
    if (code === 'ENOENT')
      throw Object.assign(new Error(`ENOENT: no directory can be made in ${dirname(path)}`), { code });
    throw error;
  }
}
