/**
 * The real server in a child process: `lumadb start` as it is compiled, on a free port, over a directory of its own.
 * Whatever a test does to it, it is gone when the test process is.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readAnnouncement } from '../../src/runtime/data-directory.js';
import { type Answer, HttpCaller, type RequestOptions } from './http.js';
import { until, WAIT_MS_MAX } from './time.js';

export const CLI_MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const START_TIMEOUT_MS = WAIT_MS_MAX;
const STOP_TIMEOUT_MS = WAIT_MS_MAX;

/**
 * Small segments and no reserve, so that a start does not write 192 MiB of zeros; one shard unless a test asks for more. As
 * many query threads as on two cores, and less free space than is wanted of a real disk: machines that run tests differ.
 */
const DEFAULTS: Readonly<Record<string, string>> = {
  LUMADB_SHARDING__SHARDS: '1',
  LUMADB_WAL__SEGMENT_SIZE: String(4 * 1024 * 1024),
  LUMADB_STORAGE__RESERVE_SIZE: '0',
  LUMADB_STORAGE__READ_ONLY_FREE_BYTES: String(16 * 1024 * 1024),
  LUMADB_QUERY__THREADS: '1',
};

export interface ServerOptions {
  /** Default: a new temporary directory, removed by close(). */
  readonly dataDir?: string;
  /** LUMADB_* overrides. */
  readonly env?: Readonly<Record<string, string>>;
  /** Default 0: a free one. */
  readonly port?: number;
  /** More arguments for `lumadb start`. */
  readonly args?: readonly string[];
  /** `ulimit -n` of the server. */
  readonly filesMax?: number;
  /** False returns as soon as the process runs. */
  readonly waitUntilReady?: boolean;
}

export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** Everything that must not outlive this process. */
const running = new Set<ChildProcess>();
const ownDirectories = new Set<string>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
  for (const directory of ownDirectories) rmSync(directory, { recursive: true, force: true });
});

export function serverEnvironment(overrides: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('LUMADB_'));
  return { ...Object.fromEntries(inherited), NO_COLOR: '1', ...DEFAULTS, ...overrides };
}

/** A child process that is killed with this one. */
export function spawnTracked(
  command: string,
  args: readonly string[],
  options: { cwd: string; env: NodeJS.ProcessEnv },
): ChildProcess {
  const child = spawn(command, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  child.once('close', () => running.delete(child));
  child.once('error', () => running.delete(child));
  return child;
}

export class TestServer {
  readonly dataDir: string;
  port = 0;
  /** What the server has printed, over all its lives. */
  log = '';
  exited: Promise<Exit> = Promise.resolve({ code: null, signal: null });
  private child: ChildProcess | undefined;
  private caller = new HttpCaller(0);
  private readonly ownsDataDir: boolean;

  private constructor(private readonly options: ServerOptions) {
    this.ownsDataDir = options.dataDir === undefined;
    this.dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'lumadb-e2e-'));
    if (this.ownsDataDir) ownDirectories.add(this.dataDir);
  }

  static async start(options: ServerOptions = {}): Promise<TestServer> {
    const server = new TestServer(options);
    try {
      await server.launch(options);
    } catch (error) {
      await server.close();
      throw error;
    }
    return server;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get webSocketUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }

  get pid(): number {
    if (this.child?.pid === undefined) throw new Error('the server does not run');
    return this.child.pid;
  }

  get isRunning(): boolean {
    return this.child !== undefined && this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Starts again over the same data; options given here replace those of the first start. */
  async restart(changes: Omit<ServerOptions, 'dataDir'> = {}): Promise<void> {
    if (this.isRunning) throw new Error('restart() while the server runs');
    const env = { ...this.options.env, ...changes.env };
    await this.launch({ ...this.options, ...changes, env });
  }

  /** Waits until it answers, ready or not: for servers with a shard that stays down. */
  untilItAnswers(): Promise<void> {
    return this.until('the server answers', () => this.answers((status) => status > 0), START_TIMEOUT_MS);
  }

  signal(signal: NodeJS.Signals): void {
    process.kill(this.pid, signal);
  }

  /** Closes our end of its output, as `lumadb start | head -1` does. */
  hangUpOutput(): void {
    this.child?.stdout?.destroy();
    this.child?.stderr?.destroy();
  }

  /** Ends it the hard way. */
  async kill9(): Promise<void> {
    this.child?.kill('SIGKILL');
    await this.exited;
    this.caller.close();
  }

  /** SIGTERM; resolves with how it ended. */
  async stop(): Promise<Exit> {
    this.child?.kill('SIGTERM');
    const late = delay(STOP_TIMEOUT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`the server did not stop within ${STOP_TIMEOUT_MS} ms:\n${this.log}`);
    });
    const exit = await Promise.race([this.exited, late]);
    this.caller.close();
    return exit;
  }

  /** For teardown: kills it and removes its files. */
  async close(): Promise<void> {
    await this.kill9();
    if (!this.ownsDataDir) return;
    rmSync(this.dataDir, { recursive: true, force: true });
    ownDirectories.delete(this.dataDir);
  }

  request(method: string, path: string, options?: RequestOptions): Promise<Answer> {
    return this.caller.request(method, path, options);
  }

  get(path: string): Promise<Answer> {
    return this.request('GET', path);
  }

  put(path: string, body: unknown, headers: Readonly<Record<string, string>> = {}): Promise<Answer> {
    return this.request('PUT', path, { body, headers });
  }

  /** Resident memory of the process, in bytes. */
  rssBytes(): number {
    const match = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${this.pid}/status`, 'utf8'));
    if (match === null) throw new Error('no VmRSS in /proc');
    return Number(match[1]) * 1024;
  }

  /** The value of one sample of /metrics; `series` with its labels as they are printed. */
  async metric(series: string): Promise<number> {
    const { text } = await this.get('/metrics');
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
    if (line === undefined) throw new Error(`/metrics has no ${series}`);
    return Number(line.slice(series.length + 1));
  }

  /** Waits until `check` holds. */
  async until(what: string, check: () => boolean | Promise<boolean>, timeoutMs = WAIT_MS_MAX): Promise<void> {
    try {
      await until(what, check, { timeoutMs });
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.log}`);
    }
  }

  /** Waits for a line of the log: what a line tells of can be seen elsewhere before it is printed. */
  untilLogged(pattern: RegExp): Promise<void> {
    return this.until(`the log has ${pattern}`, () => pattern.test(this.log));
  }

  private async launch(options: ServerOptions): Promise<void> {
    const args = [CLI_MAIN, 'start', '--data-dir', this.dataDir, '--port', String(options.port ?? 0)];
    args.push(...(options.args ?? []));
    const limits = options.filesMax === undefined ? '' : `ulimit -n ${options.filesMax} && `;
    const child = spawnTracked('bash', ['-c', `${limits}exec "$0" "$@"`, process.execPath, ...args], {
      cwd: this.dataDir,
      env: serverEnvironment(options.env),
    });
    this.child = child;
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.log += text;
    });
    this.exited = new Promise((resolve) => {
      child.once('close', (code, signal) => resolve({ code, signal }));
    });
    if (options.waitUntilReady === false) return;
    await this.until('the server is ready', () => this.isReady(), START_TIMEOUT_MS);
  }

  private isReady(): Promise<boolean> {
    return this.answers((status) => status === 200);
  }

  /** Finds the port in the announcement, then asks /ready. */
  private async answers(suffices: (status: number) => boolean): Promise<boolean> {
    if (!this.isRunning) throw new Error(`the server ended during its start:\n${this.log}`);
    const found = readAnnouncement(this.dataDir);
    if (found === null || found.port === null || found.pid !== this.child?.pid) return false;
    this.connectTo(found.port);
    return this.get('/ready').then(
      ({ status }) => suffices(status),
      () => false,
    );
  }

  /** For tests that name the port themselves. */
  connectTo(port: number): void {
    if (port === this.port) return;
    this.port = port;
    this.caller.close();
    this.caller = new HttpCaller(port);
  }
}
