/** What Linux knows of one thread of this process. */
import { readFileSync, readlinkSync } from 'node:fs';

/** The calling thread's number under /proc/self/task; 0 where there is no /proc. */
export function ownOsThread(): number {
  try {
    return Number(readlinkSync('/proc/thread-self').split('/').at(-1));
  } catch {
    return 0;
  }
}

/** What a thread was found doing, by the letters of proc(5). */
const STATES: Readonly<Record<string, string>> = {
  R: 'it computes, or waits for a core',
  D: 'it waits for the disk',
  S: 'it waits for a lock, or for another thread',
  T: 'it was stopped',
  t: 'a debugger has stopped it',
};

/** Undefined where nobody can tell. */
export function stateOfOsThread(osThread: number): string | undefined {
  if (osThread === 0) return undefined;
  try {
    const stat = readFileSync(`/proc/self/task/${osThread}/stat`, 'latin1');
    // The name before it is in parentheses, and may have any character in it.
    return STATES[stat[stat.lastIndexOf(')') + 2]];
  } catch {
    return undefined;
  }
}
