/**
 * What a thread says about itself when it is looked at: where its code is, its number in the kernel, its heap. The look is
 * a piece of text that look-thread.ts has evaluated in every thread, so a thread needs no code of its own for it.
 */

export interface ThreadLook {
  /** Innermost call first; empty when the thread waits in its event loop. */
  readonly stack: readonly string[];
  /** As in /proc/PID/task; null where there is no /proc. */
  readonly os_thread_id: number | null;
  /** What keeps its event loop alive, counted by kind. */
  readonly active_resources: Readonly<Record<string, number>>;
  /** Bytes; null on a Node.js that does not tell (before 20.16). */
  readonly heap: Readonly<Record<string, number>> | null;
}

/** Node.js 20.16 and newer give modules to code that cannot import. */
type ModuleGiver = (id: string) => unknown;

/**
 * Runs in another thread, whose JavaScript may be anywhere: between two lines, or asleep in Atomics.wait. It sees no import
 * and no name from this file, allocates little, and must not call anything of ours.
 */
function lookAround(): ThreadLook {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = 64;
  const trace = new Error().stack ?? '';
  Error.stackTraceLimit = limit;
  // The look's own calls have no file.
  const stack = trace.split('\n').filter((line, i) => i > 0 && !/at (\S+ \()?<anonymous>:\d/.test(line));
  const active: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) active[kind] = (active[kind] ?? 0) + 1;
  const give = (process as { getBuiltinModule?: ModuleGiver }).getBuiltinModule;
  let osThread: number | null = null;
  let heap: Record<string, number> | null = null;
  if (give !== undefined) {
    const v8 = give('node:v8') as typeof import('node:v8');
    heap = v8.getHeapStatistics() as unknown as Record<string, number>;
    try {
      const files = give('node:fs') as { readlinkSync(path: string): string };
      osThread = Number(files.readlinkSync('/proc/thread-self').split('/').at(-1));
    } catch {
      // No Linux.
    }
  }
  return {
    stack: stack.map((line) => line.trim()),
    os_thread_id: osThread,
    active_resources: active,
    heap,
  };
}

/** Its value is the JSON of a ThreadLook. */
export const LOOK_EXPRESSION = `JSON.stringify((${lookAround.toString()})())`;
