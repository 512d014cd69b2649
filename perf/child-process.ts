/**
 * Every process and every temporary directory of a run. However the run ends (done, failed, Ctrl+C), no process is left
 * behind and every directory is removed.
 */
import { type ChildProcess as NodeChild, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const OUTPUT_KEPT_CHARACTERS = 1_000_000;
const STOP_MS_MAX = 20_000;
const REPORT_MARK = 'LUMADB_REPORT ';

const running = new Set<NodeChild>();
const directories = new Set<string>();

export interface ChildOptions {
  readonly cwd?: string;
  /** A Node script that talks to us with process.send(). */
  readonly ipc?: boolean;
}

/** Without what would change how a server or a client behaves: settings of LumaDB, coverage, options of our own Node. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  const isKept = ([name]: [string, unknown]): boolean =>
    !name.startsWith('LUMADB_') && name !== 'NODE_OPTIONS' && name !== 'NODE_V8_COVERAGE';
  return Object.fromEntries(Object.entries(process.env).filter(isKept));
}

export class ChildProcess {
  readonly pid: number;
  /** Resolves when the process has ended, with how. */
  readonly ended: Promise<string>;
  output = '';
  private readonly child: NodeChild;

  constructor(
    readonly name: string,
    command: string,
    args: readonly string[],
    options: ChildOptions = {},
  ) {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: cleanEnvironment(),
      stdio: ['ignore', 'pipe', 'pipe', ...(options.ipc === true ? (['ipc'] as const) : [])],
    });
    this.child = child;
    this.pid = child.pid ?? -1;
    if (child.pid !== undefined) running.add(child);
    const keep = (chunk: Buffer): void => {
      this.output = (this.output + chunk.toString('latin1')).slice(-OUTPUT_KEPT_CHARACTERS);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.ended = new Promise((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, signal) => {
        running.delete(child);
        resolve(signal ?? `exit code ${code}`);
      });
    });
  }

  /** The first message of a script with `ipc`. */
  message<T>(): Promise<T> {
    return this.during(
      new Promise<T>((resolve) => {
        this.child.once('message', (message) => resolve(message as T));
      }),
    );
  }

  /** `work`, unless this process ends before it: then that is the failure. */
  during<T>(work: Promise<T>): Promise<T> {
    const died = this.ended.then((how) => {
      throw new Error(`${this.name} ended (${how}) in the middle of it.\n${this.tail()}`);
    });
    return Promise.race([work, died]);
  }

  /** Asks it to end, and makes it after a while. Gives how it ended. */
  async stop(msMax = STOP_MS_MAX): Promise<string> {
    this.child.kill('SIGTERM');
    const timer = setTimeout(() => this.child.kill('SIGKILL'), msMax);
    const how = await this.ended;
    clearTimeout(timer);
    return how;
  }

  /** SIGKILL: it gets no chance to tidy up. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.ended;
  }

  /** Waits for its own end, which must be a good one, for at most `seconds`. Gives what it printed. */
  async finish(seconds: number): Promise<string> {
    const timer = setTimeout(() => this.child.kill('SIGKILL'), seconds * 1000);
    const how = await this.ended;
    clearTimeout(timer);
    if (how !== 'exit code 0')
      throw new Error(`${this.name}: ${how} (it had ${Math.ceil(seconds)} s)\n${this.tail()}`);
    return this.output;
  }

  private tail(): string {
    return this.output.slice(-2000).trim();
  }
}

/** Prints the report of a script of ours for runScript(). */
export function printReport(report: object): void {
  process.stdout.write(`${REPORT_MARK}${JSON.stringify(report)}\n`);
}

/** Runs a script of ours with one JSON argument; gives the report that it prints. */
export async function runScript<T>(name: string, script: string, input: object, seconds: number): Promise<T> {
  const child = new ChildProcess(name, process.execPath, [script, JSON.stringify(input)]);
  const output = await child.finish(seconds);
  const line = output.split('\n').find((text) => text.startsWith(REPORT_MARK));
  if (line === undefined) throw new Error(`${name} printed no report:\n${output}`);
  return JSON.parse(line.slice(REPORT_MARK.length)) as T;
}

/** On the disk of the system's temporary directory, for all peers alike. */
export function temporaryDirectory(purpose: string): string {
  const directory = mkdtempSync(join(tmpdir(), `lumadb-perf-${purpose}-`));
  directories.add(directory);
  return directory;
}

export function removeDirectory(directory: string): void {
  directories.delete(directory);
  rmSync(directory, { recursive: true, force: true });
}

function cleanUp(): void {
  for (const child of running) child.kill('SIGKILL');
  for (const directory of directories) {
    try {
      removeDirectory(directory);
    } catch {
      // A process that was killed this very moment may still write there; what is left is a temporary file.
    }
  }
}

export function cleanUpAtExit(): void {
  process.on('exit', cleanUp);
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
    ['SIGHUP', 129],
  ] as const) {
    process.on(signal, () => process.exit(code));
  }
}
