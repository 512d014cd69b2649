/** CPU of a process together with its children: what a server of many processes, such as PostgreSQL, takes. From /proc. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks per second in /proc: 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** Fields of /proc/PID/stat behind the command's name, counted from 0 (proc(5): fields 4 and 14 to 17 of all). */
const PARENT_FIELD = 1;
const TIME_FIELDS = [11, 12, 13, 14];

interface ProcessTimes {
  readonly parent: number;
  /** Its own and that of children it has waited for. */
  readonly ticks: number;
}

/** Undefined when there is no such process any more. */
function timesOf(pid: number): ProcessTimes | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The command's name may hold spaces; it ends at the last parenthesis.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = TIME_FIELDS.reduce((sum, field) => sum + Number(fields[field]), 0);
  return { parent: Number(fields[PARENT_FIELD]), ticks };
}

/** Of the process, its children, and those of its children that have ended. */
export function treeCpuSeconds(pid: number): number {
  let ticks = timesOf(pid)?.ticks ?? 0;
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const times = timesOf(Number(name));
    if (times?.parent === pid) ticks += times.ticks;
  }
  return ticks / TICKS_PER_SECOND;
}

/** CPU seconds that the tree uses from now until the function it returns is called. */
export function watchTreeCpu(pid: number): () => number {
  const start = treeCpuSeconds(pid);
  return () => treeCpuSeconds(pid) - start;
}
