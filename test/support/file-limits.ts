/** Open files of a process that runs, and how many it may have. */
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

export const openFiles = (pid: number): number => readdirSync(`/proc/${pid}/fd`).length;

/** The most that limitOpenFiles() may give. */
export function openFilesMax(pid: number): number {
  const match = /^Max open files +\S+ +(\S+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'));
  return match === null || match[1] === 'unlimited' ? Number.POSITIVE_INFINITY : Number(match[1]);
}

/** For a process that runs: with `ulimit -n` Node could not even load its modules. The hard limit stays. */
export function limitOpenFiles(pid: number, count: number): void {
  const { status, stderr, error } = spawnSync('prlimit', ['--pid', `${pid}`, `--nofile=${count}:`], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`prlimit: ${stderr ?? error?.message}`);
}
