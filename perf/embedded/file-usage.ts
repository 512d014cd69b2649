/** What a process has written and what its files take, by the kernel's account: the same measure for every engine. */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const BLOCK_BYTES = 512;
const POLL_MS = 100;
/** Nothing written for so long means that the background has come to rest. */
const QUIET_MS = 1000;
/** Wake-ups between threads are small writes too. */
const QUIET_BYTES_MAX = 16 * 1024;

/** Bytes that this process has given to write(2) and its kin since it began, in all threads (proc(5): wchar). */
export function bytesWritten(): number {
  const match = /^wchar: (\d+)$/m.exec(readFileSync('/proc/self/io', 'latin1'));
  if (match === null) throw new Error('/proc/self/io has no wchar');
  return Number(match[1]);
}

/** Waits until the process writes nothing any more. Gives when that began, as performance.now(). */
export async function untilQuiet(): Promise<number> {
  let quietSinceMs = performance.now();
  let written = bytesWritten();
  for (;;) {
    await sleep(POLL_MS);
    const now = performance.now();
    const writtenNow = bytesWritten();
    if (writtenNow - written > QUIET_BYTES_MAX) quietSinceMs = now;
    written = writtenNow;
    if (now - quietSinceMs >= QUIET_MS) return quietSinceMs;
  }
}

function filesIn(directory: string): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Space that the files of a directory take on the disk, in bytes: holes do not count, preallocated space does. */
export function diskBytes(directory: string): number {
  // A file may be gone between being listed and being looked at.
  return filesIn(directory).reduce(
    (sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.blocks ?? 0) * BLOCK_BYTES,
    0,
  );
}

/**
 * Drops the files of a directory from the page cache, file by file: it takes no root, and nothing else on the machine
 * suffers. The files must be closed. Gives the bytes that are still in memory, undefined where fincore is missing.
 */
export function dropFromPageCache(directory: string): number | undefined {
  const files = filesIn(directory);
  if (files.length === 0) return 0;
  // Only clean pages can be dropped.
  execFileSync('sync', files);
  for (const file of files)
    execFileSync('dd', [`if=${file}`, 'iflag=nocache', 'count=0', 'status=none'], { stdio: 'ignore' });
  try {
    const output = execFileSync('fincore', ['--bytes', '--noheadings', '--output', 'RES', ...files]);
    return output
      .toString('latin1')
      .split('\n')
      .reduce((sum, line) => sum + Number(line), 0);
  } catch {
    return undefined;
  }
}
