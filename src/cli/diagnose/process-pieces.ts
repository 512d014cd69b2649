/**
 * The server's process as the kernel sees it, out of /proc: this needs no answer of the server, so it is what there is of one
 * that hangs. What only root may read says so.
 */
import { readdirSync, readlinkSync } from 'node:fs';
import { readHead, readHeadOrReason, readHeads } from './bounded-file.js';
import type { EnvironmentOf } from './config-pieces.js';
import { jsonPiece, type Piece } from './piece.js';

const LIMIT_MS = 10_000;
const THREADS_MAX = 1024;
const DESCRIPTORS_MAX = 20_000;
const ENVIRONMENT_BYTES_MAX = 1024 * 1024;

/** Names of threads by their number in the kernel, as far as the server has told them. */
export type ThreadNames = ReadonlyMap<number, string>;

export function processPieces(pid: number, names: ThreadNames): Piece[] {
  const piece = (name: string, make: () => unknown): Piece => ({
    name: `process/${name}`,
    source: 'machine',
    limitMs: LIMIT_MS,
    make: () => jsonPiece(make()),
  });
  return [
    piece('process.json', () => ({
      pid,
      ...readHeads(
        filesOf(`/proc/${pid}`, [
          'status',
          'limits',
          'cgroup',
          'io',
          'statm',
          'schedstat',
          'oom_score',
          'wchan',
        ]),
      ),
      descriptors: descriptors(pid),
    })),
    piece('threads.json', () => threads(pid, names)),
  ];
}

/** Null when the process is not ours to ask, or has gone. */
export function environmentOf(pid: number): EnvironmentOf {
  try {
    const text = readHead(`/proc/${pid}/environ`, ENVIRONMENT_BYTES_MAX);
    return Object.fromEntries(
      text.split('\0').flatMap((entry) => {
        const at = entry.indexOf('=');
        return at > 0 ? [[entry.slice(0, at), entry.slice(at + 1)]] : [];
      }),
    );
  } catch {
    return null;
  }
}

const filesOf = (directory: string, names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.map((name) => [name, `${directory}/${name}`]));

/**
 * `wchan` and `stack` say where in the kernel a thread waits; `schedstat` is time on a CPU, time waiting for one (both ns)
 * and turns.
 */
function threads(pid: number, names: ThreadNames): unknown {
  const ids = readdirSync(`/proc/${pid}/task`);
  return {
    total: ids.length,
    threads: ids.slice(0, THREADS_MAX).map((id) => ({
      os_thread_id: Number(id),
      name: names.get(Number(id)) ?? null,
      ...readHeads(
        filesOf(`/proc/${pid}/task/${id}`, ['comm', 'wchan', 'syscall', 'stack', 'schedstat', 'stat']),
      ),
      status: threadStatus(readHeadOrReason(`/proc/${pid}/task/${id}/status`)),
    })),
  };
}

/** The lines that differ from thread to thread. */
function threadStatus(text: string | null): Record<string, string> {
  const own = /^(State|voluntary_ctxt_switches|nonvoluntary_ctxt_switches|Cpus_allowed_list):\s*(.*)$/gm;
  return Object.fromEntries([...(text ?? '').matchAll(own)].map(([, name, value]) => [name, value]));
}

/** How many of each kind: files under the data directory by their ending, sockets, pipes. */
function descriptors(pid: number): unknown {
  try {
    const names = readdirSync(`/proc/${pid}/fd`);
    const kinds: Record<string, number> = {};
    for (const name of names.slice(0, DESCRIPTORS_MAX)) {
      const kind = kindOf(`/proc/${pid}/fd/${name}`);
      kinds[kind] = (kinds[kind] ?? 0) + 1;
    }
    return { total: names.length, kinds };
  } catch (error) {
    return `(not readable: ${(error as NodeJS.ErrnoException).code})`;
  }
}

function kindOf(link: string): string {
  try {
    const target = readlinkSync(link);
    const kind = /^(socket|pipe|anon_inode):/.exec(target)?.[1];
    return kind ?? /\.[a-z]{1,8}$/.exec(target)?.[0] ?? 'other';
  } catch {
    return 'closed meanwhile';
  }
}
