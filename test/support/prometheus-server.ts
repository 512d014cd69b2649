/** A real Prometheus with the project's own configuration, that scrapes a test's server. */
import { type ChildProcess, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { spawnTracked } from './server.js';
import { until } from './time.js';

export interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

/** Whether a program is there; logs the reason for skipping otherwise. */
export function hasProgram(t: ExecutionContext, program: string): boolean {
  if (spawnSync(program, ['--version']).error === undefined) return true;
  t.log(`SKIPPED: ${program} is not installed`);
  t.pass();
  return false;
}

export class PrometheusServer {
  private output = '';
  private url = '';

  private constructor(private readonly child: ChildProcess) {
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.output += text;
    });
  }

  static async start(t: ExecutionContext, target: string): Promise<PrometheusServer> {
    const directory = mkdtempSync(join(tmpdir(), 'lumadb-prometheus-'));
    cpSync('deploy/prometheus', directory, { recursive: true });
    const file = join(directory, 'prometheus.yml');
    const configuration = readFileSync(file, 'utf8')
      .replace('localhost:8080', target)
      .replaceAll(/_interval: 10s/g, '_interval: 1s');
    writeFileSync(file, configuration);
    const args = ['--web.listen-address=127.0.0.1:0', `--config.file=${file}`];
    args.push(`--storage.tsdb.path=${join(directory, 'data')}`);
    const child = spawnTracked('prometheus', args, { cwd: directory, env: process.env });
    const ended = new Promise((resolve) => child.once('close', resolve));
    t.teardown(async () => {
      child.kill('SIGKILL');
      await ended;
      rmSync(directory, { recursive: true, force: true });
    });
    const server = new PrometheusServer(child);
    await server.until('Prometheus listens', () => server.findAddress());
    return server;
  }

  async query(expression: string): Promise<readonly Series[]> {
    const data = (await this.ask(`query?query=${encodeURIComponent(expression)}`)) as { result: Series[] };
    return data.result;
  }

  async ask(path: string): Promise<unknown> {
    const answer = await fetch(`${this.url}/api/v1/${path}`);
    const body = (await answer.json()) as { status: string; error?: string; data: unknown };
    if (body.status !== 'success') throw new Error(`${path}: ${body.error}`);
    return body.data;
  }

  async until(what: string, check: () => boolean | Promise<boolean>): Promise<void> {
    try {
      await until(what, check);
    } catch (error) {
      throw new Error(`${(error as Error).message}\n${this.output}`);
    }
  }

  private findAddress(): boolean {
    if (this.child.exitCode !== null) throw new Error(`Prometheus ended:\n${this.output}`);
    const address = /msg="Listening on" address=(127\.0\.0\.1:\d+)/.exec(this.output)?.[1];
    if (address === undefined) return false;
    this.url = `http://${address}`;
    return true;
  }
}
