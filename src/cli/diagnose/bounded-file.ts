/** Reads files that others write and that may be of any size. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';

/** Of files that tell no size, as those of /proc. */
const CHUNK_BYTES = 64 * 1024;

/** The last bytes of a file, from the beginning of a line on when it is longer than that. */
export function readTail(
  path: string,
  bytesMax: number,
): { readonly text: string; readonly sizeBytes: number } {
  const fd = openRegular(path);
  try {
    const { size } = fstatSync(fd);
    const buffer = Buffer.alloc(Math.min(size, bytesMax));
    const length = readSync(fd, buffer, 0, buffer.length, size - buffer.length);
    const text = buffer.toString('utf8', 0, length);
    return { text: size > bytesMax ? text.slice(text.indexOf('\n') + 1) : text, sizeBytes: size };
  } finally {
    closeSync(fd);
  }
}

/** The beginning of a file. */
export function readHead(path: string, bytesMax = CHUNK_BYTES): string {
  const fd = openRegular(path);
  try {
    const buffer = Buffer.alloc(bytesMax);
    let length = 0;
    while (length < bytesMax) {
      const read = readSync(fd, buffer, length, bytesMax - length, null);
      if (read === 0) break;
      length += read;
    }
    return buffer.toString('utf8', 0, length);
  } finally {
    closeSync(fd);
  }
}

/** The beginning of each file, or why it cannot be read. Null for files that are not there. */
export function readHeads(paths: Readonly<Record<string, string>>): Record<string, string | null> {
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, readHeadOrReason(path)]));
}

export function readHeadOrReason(path: string, bytesMax?: number): string | null {
  try {
    return readHead(path, bytesMax).trimEnd();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR' ? null : `(not readable: ${code ?? message})`;
  }
}

/** A log that is a link to a pipe would hold the whole command. */
function openRegular(path: string): number {
  if (!statSync(path).isFile()) throw new Error(`${path} is no regular file`);
  return openSync(path, 'r');
}
