/** What a process may use: the limits of the shell that started it, and those of its cgroup, of either version. */
import { readHeadOrReason, readHeads } from './bounded-file.js';

const ROOT = '/sys/fs/cgroup';
const V2_FILES = [
  'memory.max',
  'memory.high',
  'memory.current',
  'memory.events',
  'memory.stat',
  'cpu.max',
  'cpu.weight',
  'cpu.stat',
  'cpuset.cpus.effective',
  'pids.max',
  'pids.current',
  'io.max',
  'io.stat',
];
/** By controller. */
const V1_FILES: Readonly<Record<string, readonly string[]>> = {
  memory: ['memory.limit_in_bytes', 'memory.usage_in_bytes', 'memory.failcnt', 'memory.stat'],
  cpu: ['cpu.cfs_quota_us', 'cpu.cfs_period_us', 'cpu.shares', 'cpu.stat'],
  cpuset: ['cpuset.cpus'],
  pids: ['pids.max', 'pids.current'],
};

/** `process`: its number, or "self". */
export function limitsOf(process: string): unknown {
  const cgroup = readHeadOrReason(`/proc/${process}/cgroup`);
  const files = readHeads(Object.fromEntries(cgroupFiles(cgroup ?? '').map((path) => [path, path])));
  return {
    of: process === 'self' ? 'this command' : `process ${process}`,
    ulimits: readHeadOrReason(`/proc/${process}/limits`),
    cgroup,
    cgroup_files: Object.fromEntries(Object.entries(files).filter(([, text]) => text !== null)),
  };
}

/**
 * Paths that may be there. `text`: of /proc/PID/cgroup, lines of `number:controllers:path`. Within a container the path is
 * often that of the host, which is not there; the container's own is then at the root.
 */
export function cgroupFiles(text: string): string[] {
  const paths = new Set<string>();
  const add = (directory: string, path: string, names: readonly string[]): void => {
    for (const place of path === '/' ? [''] : [path, ''])
      for (const name of names) paths.add(`${directory}${place}/${name}`);
  };
  for (const line of text.split('\n')) {
    const [, number, controllers, path] = /^(\d+):([^:]*):(\/.*)$/.exec(line) ?? [];
    if (number === '0' && controllers === '') add(ROOT, path, V2_FILES);
    for (const controller of controllers?.split(',') ?? [])
      add(`${ROOT}/${controller}`, path, V1_FILES[controller] ?? []);
  }
  return [...paths];
}
