/** File systems of their own size, for tests of what happens at the end of it. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';

/** A tmpfs; undefined, with the reason logged, where this process may not mount one. */
export function smallFileSystem(t: ExecutionContext, sizeMib: number): string | undefined {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-full-'));
  const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${sizeMib}m`, 'tmpfs', directory], {
    encoding: 'utf8',
  });
  if (mounted.status !== 0) {
    rmSync(directory, { recursive: true, force: true });
    t.log(`SKIPPED: cannot mount a tmpfs (needs root): ${mounted.stderr ?? mounted.error?.message}`);
    return undefined;
  }
  t.teardown(() => {
    spawnSync('umount', ['-l', directory]);
    rmSync(directory, { recursive: true, force: true });
  });
  return directory;
}

/** Changes mount options, for example `size=64m` or `ro`. */
export function remount(directory: string, options: string): void {
  const { status, stderr } = spawnSync('mount', ['-o', `remount,${options}`, directory], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`cannot remount with ${options}: ${stderr}`);
}

/** Another program's file, of the size that leaves `bytes` free. */
export function leaveFree(directory: string, bytes: number): void {
  freeAgain(directory);
  const { bavail, bsize } = statfsSync(directory);
  try {
    writeFileSync(join(directory, '.filler'), Buffer.alloc(Math.max(0, bavail * bsize - bytes)));
  } catch (error) {
    // A server that writes meanwhile may be quicker: then there is less left, down to nothing.
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

/** Removes what leaveFree() has put there. */
export function freeAgain(directory: string): void {
  rmSync(join(directory, '.filler'), { force: true });
}
