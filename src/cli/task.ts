/** Long work that a server does: starts it, follows it with a bar on a terminal, and leaves it alone on Ctrl+C. */
import { setTimeout as delay } from 'node:timers/promises';
import { answerMessage, call, type Target } from './connection.js';
import { CliError } from './output.js';
import { startByteBar } from './progress.js';

/** The JSON of /admin/tasks/{id}, as far as commands look at it. */
export interface ServerTask {
  readonly id: string;
  readonly kind: string;
  readonly state: 'running' | 'done' | 'failed';
  readonly progress: { readonly done: number; readonly total: number; readonly unit: string };
  readonly result?: unknown;
  readonly error?: string;
}

const POLL_MS_MIN = 50;
const POLL_MS_MAX = 1000;

/** Where people can look at a task that goes on. */
export const taskUrl = (to: Target, { id }: ServerTask): string => `${to.url}/admin/tasks/${id}`;

/** Throws CliError when the server does not take it. */
export async function startTask(to: Target, path: string, body: unknown): Promise<ServerTask> {
  const answer = await call(to, path, { method: 'POST', body });
  if (answer.status !== 202) throw new CliError(answerMessage(answer));
  return answer.body as ServerTask;
}

/** Resolves when the task is done. Throws CliError when it fails, or when the user does not want to wait any longer. */
export async function waitForTask(to: Target, started: ServerTask, what: string): Promise<ServerTask> {
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort();
  process.once('SIGINT', onInterrupt);
  const bar = await startByteBar(what);
  try {
    let task = started;
    for (let pollMs = POLL_MS_MIN; task.state === 'running'; pollMs = Math.min(POLL_MS_MAX, pollMs * 1.5)) {
      await delay(pollMs, undefined, { signal: interrupt.signal }).catch(() => {});
      if (interrupt.signal.aborted) throw new CliError(`${what} goes on in the server: ${taskUrl(to, task)}`);
      task = await look(to, task);
      if (task.progress.unit === 'bytes') bar.update(task.progress.done, task.progress.total);
    }
    if (task.state === 'failed') throw new CliError(`${what} failed: ${task.error ?? 'no reason given'}`);
    return task;
  } finally {
    bar.stop();
    process.off('SIGINT', onInterrupt);
  }
}

async function look(to: Target, task: ServerTask): Promise<ServerTask> {
  const answer = await call(to, `/admin/tasks/${task.id}`);
  if (answer.status === 200) return answer.body as ServerTask;
  throw new CliError(`how task ${task.id} ended is unknown: ${answerMessage(answer)}`);
}
