/** `lumadb ping` */
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../base/clock.js';
import {
  addConnectionOptions,
  answerMessage,
  type ConnectionOptions,
  call,
  resolveTarget,
  type Target,
} from '../connection.js';
import { EXIT_FAILED, EXIT_OK, print, printError, printJson } from '../output.js';
import type { Done } from '../program.js';

const COUNT_DEFAULT = 3;
const COUNT_MAX = 1_000_000;

interface PingOptions extends ConnectionOptions {
  readonly count: number;
}

function parseCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > COUNT_MAX) {
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${COUNT_MAX}.`);
  }
  return count;
}

interface Summary {
  readonly sent: number;
  readonly answered: number;
  readonly min_ms: number | null;
  readonly avg_ms: number | null;
  readonly max_ms: number | null;
}

const rounded = (ms: number): number => Number(ms.toFixed(3));

function summarize(sent: number, latencies: readonly number[]): Summary {
  const answered = latencies.length;
  if (answered === 0) return { sent, answered, min_ms: null, avg_ms: null, max_ms: null };
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  let sum = 0;
  for (const latency of latencies) {
    min = Math.min(min, latency);
    max = Math.max(max, latency);
    sum += latency;
  }
  return { sent, answered, min_ms: rounded(min), avg_ms: rounded(sum / answered), max_ms: rounded(max) };
}

/** One ping after the other; the first that fails ends the run. Returns the latencies and what went wrong. */
async function pingAll(
  to: Target,
  options: PingOptions,
): Promise<{ latencies: number[]; failure: string | null }> {
  const latencies: number[] = [];
  for (let number = 1; number <= options.count; number++) {
    const start = systemClock.monotonicMs();
    try {
      const answer = await call(to, '/live');
      if (answer.status !== 200) return { latencies, failure: `${to.url}: ${answerMessage(answer)}` };
    } catch (error) {
      return { latencies, failure: (error as Error).message };
    }
    const latency = systemClock.monotonicMs() - start;
    latencies.push(rounded(latency));
    if (!options.json) print(`${to.url}  ${number}/${options.count}  ${latency.toFixed(2)} ms`);
  }
  return { latencies, failure: null };
}

async function ping(options: PingOptions): Promise<number> {
  const to = await resolveTarget(options);
  // Loads fetch, which Node does on first use: its 20 ms or so are not the server's.
  await fetch('data:,');
  const { latencies, failure } = await pingAll(to, options);
  const summary = summarize(latencies.length + (failure === null ? 0 : 1), latencies);
  if (options.json)
    printJson({ url: to.url, ok: failure === null, error: failure, latencies_ms: latencies, ...summary });
  else if (failure === null && options.count > 1) {
    print(
      `${summary.answered} answers: min ${summary.min_ms} ms, average ${summary.avg_ms} ms, max ${summary.max_ms} ms`,
    );
  }
  if (failure !== null && !options.json) printError(`lumadb: ${failure}`);
  return failure === null ? EXIT_OK : EXIT_FAILED;
}

export function registerPing(program: Command, done: Done): void {
  addConnectionOptions(program.command('ping'))
    .option('--count <n>', 'number of pings', parseCount, COUNT_DEFAULT)
    .description('Check that a server answers, and how fast. Exit 1 when it does not.')
    .addHelpText(
      'after',
      `
The time is that of a whole HTTP request (GET /live); the first one also opens the connection.

Example:
  $ lumadb ping --host localhost --port 8080`,
    )
    .action(async (_options, command: Command) => done(await ping(command.optsWithGlobals())));
}
