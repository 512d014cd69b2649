/** `lumadb shutdown`: asks the server to stop, then waits until its port is closed and its process is gone. */
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { systemClock } from '../../base/clock.js';
import {
  type Answer,
  addConnectionOptions,
  answerMessage,
  type ConnectionOptions,
  call,
  resolveTarget,
  type Target,
} from '../connection.js';
import { formatDuration, parseDuration } from '../duration.js';
import { CliError, EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { startWaitBar } from '../progress.js';

const TIMEOUT_MS_DEFAULT = 60_000;
/** What a server may take beyond the drain timeout to flush, sync and close. */
const CLOSING_MS = 15_000;
const POLL_MS = 50;
const CONNECT_MS = 1000;

interface ShutdownOptions extends ConnectionOptions {
  readonly graceful?: boolean;
  readonly force?: boolean;
  readonly timeout: number;
}

function durationOption(text: string): number {
  const ms = parseDuration(text);
  if (ms === null)
    throw new InvalidArgumentError('It must be a duration with a unit, such as 500ms, 60s or 2m.');
  return ms;
}

/** Whether something accepts connections at the address. */
function portAnswers(to: Target): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: to.host.replace(/^\[(.*)\]$/, '$1'), port: to.port });
    const settle = (answers: boolean): void => {
      socket.destroy();
      resolve(answers);
    };
    socket.setTimeout(CONNECT_MS, () => settle(true)); // a full backlog is still a server
    socket.once('connect', () => settle(true));
    socket.once('error', () => settle(false));
  });
}

/** The request. A server that is forced down may die before it answers: that is null. */
async function requestShutdown(
  to: Target,
  mode: 'graceful' | 'force',
  timeoutMs: number,
): Promise<Answer | null> {
  const body = { mode, timeout_ms: timeoutMs };
  try {
    return await call(to, '/admin/shutdown', { method: 'POST', body, timeoutMs: timeoutMs + CLOSING_MS });
  } catch (error) {
    const cause = ((error as Error).cause as Error | undefined)?.cause as { code?: string } | undefined;
    if (cause?.code === 'ECONNRESET' || cause?.code === 'UND_ERR_SOCKET') return null;
    throw error;
  }
}

/** The process to wait for: announced in the data directory, or named in the answer of a server on this machine. */
async function processToWaitFor(to: Target, answer: Answer | null): Promise<number | null> {
  const { isLoopback } = await import('../../config/exposure.js');
  if (!isLoopback(to.host)) return null;
  if (to.pid !== null) return to.pid;
  const pid = (answer?.body as { pid?: unknown } | null | undefined)?.pid;
  return typeof pid === 'number' && Number.isInteger(pid) && pid > 0 ? pid : null;
}

async function waitUntilGone(to: Target, pid: number | null, deadlineMs: number): Promise<void> {
  const { isProcessAlive } = await import('../../runtime/data-directory.js');
  const start = systemClock.monotonicMs();
  const bar = await startWaitBar(deadlineMs - start);
  try {
    for (;;) {
      const listening = await portAnswers(to);
      const running = pid !== null && isProcessAlive(pid);
      if (!listening && !running) return;
      const what = listening ? `${to.url} still answers` : `process ${pid} still runs`;
      const now = systemClock.monotonicMs();
      if (now > deadlineMs) {
        throw new CliError(
          `the server accepted the request but ${what}; to end it at once: lumadb shutdown --force`,
        );
      }
      bar.update(now - start, what);
      await delay(POLL_MS);
    }
  } finally {
    bar.stop();
  }
}

async function shutdown(options: ShutdownOptions): Promise<number> {
  const mode = options.force ? 'force' : 'graceful';
  const to = await resolveTarget(options);
  const start = systemClock.monotonicMs();
  const deadlineMs = start + options.timeout + CLOSING_MS;
  const answer = await requestShutdown(to, mode, options.timeout);
  if (answer !== null && (answer.status < 200 || answer.status > 299))
    throw new CliError(answerMessage(answer));
  await waitUntilGone(to, await processToWaitFor(to, answer), deadlineMs);
  const elapsedMs = Math.round(systemClock.monotonicMs() - start);
  if (options.json) printJson({ stopped: true, mode, url: to.url, elapsed_ms: elapsedMs });
  else print(`${to.url} stopped after ${formatDuration(elapsedMs)}`);
  return EXIT_OK;
}

export function registerShutdown(program: Command, done: Done): void {
  addConnectionOptions(program.command('shutdown'))
    .addOption(
      new Option('--graceful', 'finish running requests, flush, then stop (default)').conflicts('force'),
    )
    .addOption(new Option('--force', 'stop at once; running requests are cut off').conflicts('graceful'))
    .option(
      '--timeout <duration>',
      'longest time to drain, as 500ms, 60s or 2m',
      durationOption,
      TIMEOUT_MS_DEFAULT,
    )
    .description('Stop a server and wait until it is gone.')
    .addHelpText(
      'after',
      `
Acknowledged writes survive both ways with durability "always" and "group"; with "os" a forced stop keeps
them as long as the machine itself stays up. The default timeout is 60s.

Example:
  $ lumadb shutdown --graceful --timeout 60s`,
    )
    .action(async (_options, command: Command) => done(await shutdown(command.optsWithGlobals())));
}
