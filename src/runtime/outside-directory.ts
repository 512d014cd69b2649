/**
 * Whether a path that an operator named is safe to write to: absolute, straight, and outside of the data directory, also
 * when symbolic links are followed. Looks at the file system as it is now; it does not hold it.
 */
import { realpathSync } from 'node:fs';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { DbError } from '../base/errors.js';

/**
 * The path without a trailing slash. `parts`: names of directories that will be made below it. Throws
 * DbError('VALIDATION').
 */
export function requireOutside(path: string, dataDirectory: string, parts: readonly string[] = []): string {
  const refuse = (why: string): never => {
    throw new DbError('VALIDATION', `the destination ${JSON.stringify(path)} ${why}`, {
      field: 'destination',
    });
  };
  if (path.includes('\0')) refuse('contains a zero byte');
  if (!isAbsolute(path)) refuse('is not an absolute path');
  if (path.split(sep).includes('..')) refuse('contains ".."');
  const straight = normalize(path).replace(/(?<=.)\/+$/, '');
  const data = realPath(dataDirectory);
  for (const each of [straight, ...parts.map((part) => join(straight, part))]) {
    const real = realPath(each);
    if (real === data || real.startsWith(data + sep)) refuse(`is inside the data directory ${dataDirectory}`);
  }
  return straight;
}

/** With the links of what exists followed; what does not exist yet is taken as it is. */
export function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch (error) {
    const parent = dirname(path);
    // Anything else than "not there" will be found out by whoever writes.
    return parent === path || (error as NodeJS.ErrnoException).code !== 'ENOENT'
      ? path
      : join(realPath(parent), basename(path));
  }
}
