/** `lumadb query`: runs an SQL statement and prints its result; lists and ends statements that run. */
import { type Command, InvalidArgumentError } from 'commander';
import {
  addConnectionOptions,
  answerMessage,
  ask,
  type ConnectionOptions,
  call,
  resolveTarget,
} from '../connection.js';
import { CliError, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { clean, plainTable, render } from '../render.js';

interface QueryOptions extends ConnectionOptions {
  readonly param?: readonly unknown[];
  readonly timeout?: number;
}

interface QueryAnswer {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly unknown[])[];
  readonly row_count: number;
  readonly command: string;
  readonly execution_time_ms: number;
}

const TIMEOUT_MS_DEFAULT = 30_000;
/** The server ends a statement that is out of time; this waits a little longer for it to say so. */
const TIMEOUT_GRACE_MS = 5000;

async function query(sql: string | undefined, options: QueryOptions): Promise<number> {
  const text = sql === undefined || sql === '-' ? await readStandardInput() : sql;
  if (text.trim() === '')
    throw new CliError(
      'give a statement: lumadb query "SELECT …", or - to read it from standard input',
      EXIT_USAGE,
    );
  const timeoutMs = options.timeout ?? TIMEOUT_MS_DEFAULT;
  const to = await resolveTarget(options);
  const answer = await call(to, '/api/v1/query', {
    method: 'POST',
    body: { query: text, params: options.param ?? [], timeout_ms: timeoutMs },
    timeoutMs: timeoutMs + TIMEOUT_GRACE_MS,
  });
  if (answer.status !== 200) throw new CliError(`${answerMessage(answer)}${placeOf(answer.body, text)}`);
  const result = answer.body as QueryAnswer;
  if (options.json) printJson(result);
  else printResult(result);
  return EXIT_OK;
}

/** The line of the statement that an error is about, with a mark below its place. */
function placeOf(body: unknown, sql: string): string {
  const position = (body as { error?: { details?: { position?: unknown } } } | null)?.error?.details
    ?.position;
  if (typeof position !== 'number') return '';
  const before = Buffer.from(sql)
    .subarray(0, position - 1)
    .toString();
  const lineStart = before.lastIndexOf('\n') + 1;
  const line = sql.slice(lineStart).split('\n', 1)[0];
  return `\n  ${line}\n  ${' '.repeat(before.length - lineStart)}^`;
}

/** What PostgreSQL counts in its command tag; definitions count nothing. */
const COUNTED_COMMANDS: ReadonlySet<string> = new Set(['SELECT', 'INSERT', 'UPDATE', 'DELETE']);

function printResult({ columns, rows, row_count: count, command, execution_time_ms: ms }: QueryAnswer): void {
  if (columns.length === 0) {
    const tag = COUNTED_COMMANDS.has(command) ? `${command} ${count}` : command;
    print(`${tag}  (${ms} ms)`);
    return;
  }
  // A plan is text whose indentation means something.
  if (command === 'EXPLAIN') for (const [line] of rows) print(String(line));
  else {
    print(
      plainTable(
        columns,
        rows.map((row) => row.map(cellText)),
      ),
    );
  }
  print(`(${count} ${count === 1 ? 'row' : 'rows'}, ${ms} ms)`);
}

function cellText(value: unknown): string {
  if (value === null) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return clean(text);
}

async function readStandardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of process.stdin) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString();
}

async function list(options: ConnectionOptions): Promise<number> {
  const body = await ask<Record<string, unknown>>(options, '/admin/queries');
  if (options.json) printJson(body);
  else print(render(body));
  return EXIT_OK;
}

async function kill(id: string, options: ConnectionOptions): Promise<number> {
  const path = `/admin/queries/${encodeURIComponent(id)}`;
  const body = await ask(options, path, { method: 'DELETE' });
  if (options.json) printJson(body);
  else print(`query ${id} has been told to stop`);
  return EXIT_OK;
}

/** JSON where it is JSON, else a text. */
function parseParam(text: string, before: readonly unknown[] = []): unknown[] {
  try {
    return [...before, JSON.parse(text)];
  } catch {
    return [...before, text];
  }
}

function parseTimeout(text: string): number {
  const ms = Number(text);
  if (!Number.isInteger(ms) || ms < 1)
    throw new InvalidArgumentError('It must be a whole number of milliseconds.');
  return ms;
}

export function registerQuery(program: Command, done: Done): void {
  const command = addConnectionOptions(program.command('query'))
    .argument('[sql]', 'the statement; - or none reads it from standard input')
    .allowExcessArguments()
    .option('--param <value>', 'value of $1, then of $2, and so on: JSON, or a text', parseParam)
    .option('--timeout <ms>', `how long it may take (default: ${TIMEOUT_MS_DEFAULT})`, parseTimeout)
    .description('Run an SQL statement and print its result.')
    .addHelpText(
      'after',
      `
Examples:
  $ lumadb query "SELECT status, count(*) FROM orders GROUP BY status"
  $ lumadb query 'SELECT * FROM orders WHERE user_id = $1' --param user-123
  $ lumadb query "EXPLAIN ANALYZE SELECT * FROM orders WHERE total > 100"
  $ lumadb query list
  $ lumadb query kill ID`,
    )
    .action(async (sql: string | undefined, _options, self: Command) => {
      // The shell has taken it apart, and has perhaps put file names for a *.
      if (self.args.length > 1)
        throw new CliError('put the statement into quotes: lumadb query "SELECT …"', EXIT_USAGE);
      done(await query(sql, self.optsWithGlobals()));
    });
  addConnectionOptions(command.command('list'))
    .description('List the statements that run or wait.')
    .action(async (_options, self: Command) => done(await list(self.optsWithGlobals())));
  addConnectionOptions(command.command('kill'))
    .argument('<id>', 'as `lumadb query list` shows it')
    .description('End a statement.')
    .action(async (id: string, _options, self: Command) => done(await kill(id, self.optsWithGlobals())));
}
