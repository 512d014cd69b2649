/** Fault injection into a running process with strace. */
import type { ChildProcess } from 'node:child_process';
import { spawnSync } from 'node:child_process';
import type { ExecutionContext } from 'ava';
import { spawnTracked, type TestServer } from './server.js';
import { until } from './time.js';

/** Why strace cannot be used here; undefined when it can. */
export function straceMissing(): string | undefined {
  const found = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], { encoding: 'utf8' });
  if (found.error !== undefined) return 'strace is not installed (apt-get install strace)';
  return found.status === 0 ? undefined : `strace may not trace here: ${found.stderr.trim()}`;
}

/** strace attached to all threads of a server. */
export class Trace {
  private output = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
  }

  /**
   * `inject`: as strace's -e inject= takes it, for example `fdatasync:error=EIO`. With `paths` only calls on these
   * files are struck; they need not exist yet.
   */
  static async attach(
    t: ExecutionContext,
    server: TestServer,
    inject: string,
    paths: readonly string[] = [],
  ): Promise<Trace> {
    const calls = inject.slice(0, inject.indexOf(':'));
    const only = paths.flatMap((path) => ['-P', path]);
    const args = ['-f', '-p', String(server.pid), ...only, '-e', `trace=${calls}`, '-e', `inject=${inject}`];
    const trace = new Trace(spawnTracked('strace', args, { cwd: '/', env: process.env }));
    t.teardown(() => trace.detach());
    await until('strace attaches', () => / attached/.test(trace.output)).catch((error: Error) => {
      throw new Error(`${error.message}: ${trace.output}`);
    });
    return trace;
  }

  /** The injected faults stop; the server runs on. */
  async detach(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = new Promise((resolve) => this.child.once('close', resolve));
    this.child.kill('SIGTERM');
    await closed;
  }
}
