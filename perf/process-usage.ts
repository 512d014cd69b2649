/** CPU and memory of a process, all its threads together, from /proc. */
import { readFileSync } from 'node:fs';

/** Clock ticks per second in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the command's name, counted from 0 (proc(5): fields 14 and 15 of all). */
const UTIME_FIELD = 11;
const STIME_FIELD = 12;

export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  // The command's name may hold spaces; it ends at the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[UTIME_FIELD]) + Number(fields[STIME_FIELD])) / TICKS_PER_SECOND;
}

export function rssMiB(pid: number): number {
  const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'));
  if (match === null) throw new Error(`process ${pid} has no VmRSS`);
  return Number(match[1]) / 1024;
}

/** CPU seconds that `pid` uses from now until the function it returns is called. */
export function watchCpu(pid: number): () => number {
  const start = cpuSeconds(pid);
  return () => cpuSeconds(pid) - start;
}
