/** `lumadb top`: the performance dashboard of a running server in the terminal. */
import { type Command, InvalidArgumentError } from 'commander';
import { addConnectionOptions, type ConnectionOptions } from '../connection.js';
import { parseDuration } from '../duration.js';
import { CliError, EXIT_OK, print, printError, printJson } from '../output.js';
import type { Done } from '../program.js';
import { frame } from '../top/frame.js';
import { painter } from '../top/line.js';
import { showLive } from '../top/live.js';
import { watch } from '../top/watch.js';

interface TopOptions extends ConnectionOptions {
  /** In milliseconds. */
  readonly interval: number;
  readonly once?: boolean;
}

const INTERVAL_MS_DEFAULT = 2000;
/** Below this the requests of this command are what the server is busy with. */
const INTERVAL_MS_MIN = 100;
/** Of a frame that goes into a file or a pipe. */
const WIDTH_DEFAULT = 80;

function parseInterval(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms < INTERVAL_MS_MIN)
    throw new InvalidArgumentError(
      'It must be a duration of at least 100ms with a unit, such as 500ms or 2s.',
    );
  return ms;
}

async function top(options: TopOptions): Promise<number> {
  const { stdout } = process;
  const isTerminal = stdout.isTTY === true && process.env['TERM'] !== 'dumb';
  const paint = painter(isTerminal && !process.env['NO_COLOR']);
  if (options.json && !options.once) await printForever(options);
  else if (isTerminal && !options.once) await showLive(options, options.interval, paint);
  else {
    const { url, figures } = await lookOnce(options);
    const room = { width: stdout.columns || WIDTH_DEFAULT, height: Number.POSITIVE_INFINITY };
    if (options.json) printJson(figures);
    else for (const line of frame(url, figures, room)) print(paint(line));
  }
  return EXIT_OK;
}

async function lookOnce(options: TopOptions) {
  for await (const look of watch(options, options.interval, new AbortController().signal)) {
    if (look.kind === 'figures') return look;
    throw new CliError(look.message);
  }
  throw new CliError('no figures came');
}

/** A line of JSON per interval, until the process is ended. Failures go to stderr: lines are figures only. */
async function printForever(options: TopOptions): Promise<void> {
  for await (const look of watch(options, options.interval, new AbortController().signal)) {
    if (look.kind === 'figures') print(JSON.stringify(look.figures));
    else printError(`lumadb: ${look.message}; trying again`);
  }
}

export function registerTop(program: Command, done: Done): void {
  addConnectionOptions(program.command('top'))
    .option('--interval <duration>', 'time between two looks', parseInterval, INTERVAL_MS_DEFAULT)
    .option('--once', 'one picture over one interval, then end')
    .description('Watch throughput, latency, resources, caches, storage and shards live. q quits.')
    .addHelpText(
      'after',
      `
Rates and latencies are those of the last interval. Where output is no terminal, --once is implied; with --json there is a
line of JSON per interval, or one object with --once.

Example:
  $ lumadb top --interval 1s
  $ lumadb top --once --json | jq .latency`,
    )
    .action(async (_options, command: Command) => done(await top(command.optsWithGlobals())));
}
