/**
 * Time in tests. A machine may be busy with anything else: what a test waits for has a generous deadline, and what work
 * costs is told in CPU time of this process, which others cannot lengthen.
 */
import { setTimeout as delay } from 'node:timers/promises';

/** For what happens within milliseconds on a quiet machine. */
export const WAIT_MS_MAX = 120_000;

export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly pollMs?: number;
}

/** Waits until `check` holds; rejects with what was waited for. */
export async function until(
  what: string,
  check: () => boolean | Promise<boolean>,
  { timeoutMs = WAIT_MS_MAX, pollMs = 20 }: WaitOptions = {},
): Promise<void> {
  for (const end = performance.now() + timeoutMs; !(await check()); await delay(pollMs)) {
    if (performance.now() > end) throw new Error(`waited ${timeoutMs} ms in vain: ${what}`);
  }
}

/** CPU time of this process in milliseconds, that of its threads included. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}
