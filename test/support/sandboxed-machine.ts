/**
 * A machine for the operator's own commands: a network with nothing on it but what a test starts, so that port 8080 is free,
 * `lumadb` on the PATH, and contents of /etc/lumadb, /var/lib/lumadb, /var/log/lumadb and their like that vanish with it. Made of
 * Linux namespaces, which takes root.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { CLI_MAIN, serverEnvironment } from './server.js';
import { until } from './time.js';

const OWN_DIRECTORIES = [
  '/etc/lumadb',
  '/var/lib/lumadb',
  '/var/log/lumadb',
  '/etc/cron.d',
  '/archive',
  '/backups',
];

export interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class SandboxedMachine {
  private readonly servers = new Set<ChildProcess>();

  private constructor(
    private readonly holder: ChildProcess,
    /** Where commands run; has `lumadb` in bin/. */
    readonly directory: string,
    private readonly env: NodeJS.ProcessEnv,
  ) {}

  /** Undefined, with the reason logged, where there is no right to make one. */
  static async start(t: ExecutionContext): Promise<SandboxedMachine | undefined> {
    // They stay, empty: taking one away would take the mount on it away too, in the machine of a test that runs beside.
    for (const path of OWN_DIRECTORIES) tryMakeDirectory(path);
    const directory = mkdtempSync(join(tmpdir(), 'lumadb-machine-'));
    const holder = spawn('unshare', ['--mount', '--net', 'sleep', 'infinity'], { stdio: 'ignore' });
    let hasEnded = false;
    holder.once('exit', () => {
      hasEnded = true;
    });
    holder.once('error', () => {
      hasEnded = true;
    });
    const env = machineEnvironment(directory);
    const machine = new SandboxedMachine(holder, directory, env);
    t.teardown(() => machine.close());
    const mounts = OWN_DIRECTORIES.map((path) => `mount -t tmpfs tmpfs ${path}`).join(' && ');
    const isReady = () => hasEnded || spawnSync('nsenter', [...machine.inside(), 'true']).status === 0;
    await until('the namespaces are there', isReady);
    const programs = ['jq', 'curl', 'free', 'ip'].map((name) => `command -v ${name}`).join(' && ');
    const setUp = machine.run(`${programs} && ip link set lo up && ${mounts}`);
    if (setUp.code === 0) return machine;
    t.log(`SKIPPED: no namespaces of our own (needs root, jq, curl, iproute2, procps): ${setUp.stderr}`);
    return undefined;
  }

  /** One line, as an operator types it. */
  run(line: string, timeoutMs = 120_000): Ran {
    const { status, stdout, stderr } = spawnSync('nsenter', [...this.inside(), 'bash', '-c', line], {
      cwd: this.directory,
      env: this.env,
      encoding: 'utf8',
      timeout: timeoutMs,
    });
    return { code: status, stdout: stdout ?? '', stderr: stderr ?? '' };
  }

  /** A line that stays; resolves when the server answers that it is ready, with what tells how it ended. */
  async serve(line: string): Promise<{ readonly ended: Promise<number | null> }> {
    const child = spawn('nsenter', [...this.inside(), 'bash', '-c', `exec ${line}`], {
      cwd: this.directory,
      env: this.env,
      stdio: 'ignore',
    });
    this.servers.add(child);
    const ended = new Promise<number | null>((resolve) => {
      child.once('exit', (code) => {
        this.servers.delete(child);
        resolve(code);
      });
    });
    await until('the server is ready', () => this.run('curl -sf http://localhost:8080/ready').code === 0);
    return { ended };
  }

  private close(): void {
    for (const server of this.servers) server.kill('SIGKILL');
    // All that runs in the namespaces has been started from here; the mounts go with the last of it.
    this.holder.kill('SIGKILL');
    rmSync(this.directory, { recursive: true, force: true });
  }

  private inside(): string[] {
    return ['--target', String(this.holder.pid), '--mount', '--net'];
  }
}

function machineEnvironment(directory: string): NodeJS.ProcessEnv {
  const bin = join(directory, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'lumadb'), `#!/bin/sh\nexec ${process.execPath} ${CLI_MAIN} "$@"\n`, {
    mode: 0o755,
  });
  const env = serverEnvironment({ XDG_CONFIG_HOME: join(directory, 'config') });
  return { ...env, PATH: `${bin}:${process.env['PATH'] ?? ''}` };
}

function tryMakeDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true });
  } catch {
    // Without the right to make it there is no machine either, which is told when the mounts fail.
  }
}
