/** Whether there is room for what comes. Any thread. */
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';

/** Throws DISK_FULL. `path` exists. */
export function requireSpace(vfs: Vfs, path: string, neededBytes: number): void {
  const freeBytes = vfs.freeBytes(path);
  if (freeBytes >= neededBytes) return;
  const message = `${path} has ${freeBytes} bytes free, and the restore needs at least ${neededBytes} more`;
  throw new DbError('DISK_FULL', message, { path, neededBytes, freeBytes });
}
