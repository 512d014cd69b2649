/**
 * GET /admin/diagnostics: what only the process itself knows. Its threads with what they do right now, versions, limits,
 * environment and directories; `lumadb diagnose` puts it into its archive. Main thread only, which waits for nobody.
 */
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { Worker } from 'node:worker_threads';
import { packageVersion } from '../../base/version.js';
import { logDirectory } from '../../config/load.js';
import type { Config } from '../../config/schema.js';
import { withoutSecrets } from '../../config/shown-config.js';
import { json } from '../../front/control-answer.js';
import type { ControlAnswer } from '../../front/control-plane.js';
import type { Supervisor } from '../supervisor.js';
import { LOOK_WORKER } from '../worker-paths.js';
import { shownEnvironment } from './environment.js';
import type { LookedThread, LookThreadData, LookThreadResult } from './look-thread.js';
import { knownThreads, type ObservedThread, observe } from './observed-threads.js';

/** How long a thread may take to answer; one that sleeps or computes takes some milliseconds. */
const LOOK_TIMEOUT_MS = 1000;
/** When the looking thread itself does not come to an end: it starts, loads a few files and makes a report besides. */
const LOOK_THREAD_TIMEOUT_MS = 8000;
/** Over which the load of event loops is measured, at least. */
const WINDOW_MS = 250;

export interface DiagnosticsOptions {
  readonly config: Config;
  readonly dataDirectory: string;
  readonly supervisor: Pick<Supervisor, 'shards' | 'fronts'>;
  readonly queryThreads: () => readonly Worker[];
}

export class Diagnostics {
  private running: Promise<ControlAnswer> | undefined;

  constructor(private readonly options: DiagnosticsOptions) {}

  /** Who asks while it is being made gets the same: there is one look at a time. */
  report(): Promise<ControlAnswer> {
    this.running ??= this.make().finally(() => {
      this.running = undefined;
    });
    return this.running;
  }

  private async make(): Promise<ControlAnswer> {
    const { config, dataDirectory, supervisor, queryThreads } = this.options;
    const known = knownThreads(supervisor, queryThreads());
    const measured = known.map(observe);
    const [looked] = await Promise.all([look(), new Promise((wake) => setTimeout(wake, WINDOW_MS))]);
    const result = looked instanceof Error ? undefined : looked;
    const body = {
      versions: { lumadb: packageVersion(), uws: uwsVersion(), ...process.versions },
      process: {
        pid: process.pid,
        uptime_seconds: Math.round(process.uptime()),
        arguments: [...process.execArgv, ...process.argv.slice(1)],
        memory: process.memoryUsage(),
        resources: process.resourceUsage(),
        environment: withoutSecrets(shownEnvironment(process.env)),
        report: result?.report ?? null,
      },
      directories: {
        data: dataDirectory,
        logs: resolve(logDirectory(config)),
        working: process.cwd(),
      },
      threads: mergeThreads(
        measured.map((thread) => thread.end()),
        result?.threads ?? [],
      ),
      // Why there are no stacks.
      threads_failed: looked instanceof Error ? looked.message : null,
    };
    return json(200, body);
  }
}

/** Resolves with the Error when the look fails: the rest of the answer is worth having. */
function look(): Promise<LookThreadResult | Error> {
  return new Promise((done) => {
    const workerData: LookThreadData = { timeoutMs: LOOK_TIMEOUT_MS };
    const worker = new Worker(LOOK_WORKER, { name: 'look', workerData });
    const timer = setTimeout(() => {
      done(new Error(`the looking thread did not end within ${LOOK_THREAD_TIMEOUT_MS} ms`));
      worker.terminate().catch(() => {});
    }, LOOK_THREAD_TIMEOUT_MS);
    worker.once('message', (result: LookThreadResult) => done(result));
    worker.once('error', (error: Error) => done(error));
    worker.once('exit', () => {
      clearTimeout(timer);
      done(new Error('the looking thread ended without a result'));
    });
  });
}

/** What the server knows of its threads and what these say; also of threads that only one side knows. */
function mergeThreads(
  observed: readonly ObservedThread[],
  looked: readonly LookedThread[],
): ReadonlyArray<Record<string, unknown>> {
  const looks = new Map(looked.map((thread) => [thread.threadId, thread]));
  const known = observed.map(({ name, threadId, eventLoop }) => ({
    name,
    thread_id: threadId,
    event_loop: eventLoop,
    ...lookReport(looks.get(threadId)),
  }));
  const ids = new Set(observed.map(({ threadId }) => threadId));
  const others = looked
    .filter(({ threadId }) => !ids.has(threadId))
    .map((thread) => ({
      name: thread.title,
      thread_id: thread.threadId,
      event_loop: null,
      ...lookReport(thread),
    }));
  return [...known, ...others];
}

function lookReport(thread: LookedThread | undefined): Record<string, unknown> {
  if (thread?.look === undefined) {
    const silent =
      'it did not answer: it is in a system call or in native code, or it has just started or ended';
    return { answered_ms: null, silent: thread?.failed ?? silent };
  }
  return { answered_ms: thread.answeredMs, ...thread.look };
}

function uwsVersion(): string | null {
  try {
    const manifest = createRequire(import.meta.url)('uWebSockets.js/package.json') as { version: string };
    return manifest.version;
  } catch {
    return null;
  }
}
