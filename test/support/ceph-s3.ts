/**
 * A real S3 server with signatures and users: radosgw over a Ceph of one monitor and one disk in memory, all of it below a
 * temporary directory and on free ports of this machine. Up after some 15 seconds. Debian: radosgw, ceph-mon, ceph-osd.
 */
import { type ChildProcess, execFile, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../perf/free-port.js';
import type { S3Credentials } from '../../src/backup/store/s3-options.js';
import { spawnTracked } from './server.js';
import { until } from './time.js';

const PROGRAMS = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool'];
const START_MS_MAX = 120_000;
const START_ATTEMPTS_MAX = 3;
const LOG_CHARACTERS_SHOWN = 2000;

/** The first program that is not here; undefined when a server can be started. */
export function missingCephProgram(): string | undefined {
  return PROGRAMS.find((program) => spawnSync(program, ['--version']).error !== undefined);
}

export class CephS3 {
  readonly endpoint: string;
  private readonly directory = mkdtempSync(join(tmpdir(), 'lumadb-ceph-'));
  private readonly daemons: ChildProcess[] = [];
  private readonly clusterId = randomUUID();

  private constructor(
    private readonly monitorPort: number,
    readonly port: number,
  ) {
    this.endpoint = `http://127.0.0.1:${port}`;
  }

  /** Its daemons start against each other and lose a race now and then, which is no matter of ours: it is tried again. */
  static async start(): Promise<CephS3> {
    for (let attempt = 1; ; attempt++) {
      const ceph = new CephS3(await freePort(), await freePort());
      try {
        await ceph.startAll();
        return ceph;
      } catch (error) {
        const logs = ceph.logs();
        await ceph.stop();
        if (attempt < START_ATTEMPTS_MAX) continue;
        throw new Error(`Ceph did not start: ${(error as Error).message}\n${logs}`);
      }
    }
  }

  async addUser(name: string): Promise<S3Credentials> {
    const accessKeyId = `${name.toUpperCase()}KEY`;
    const secretAccessKey = `secret-of-${name}-0123456789`;
    const keys = ['--access-key', accessKeyId, '--secret-key', secretAccessKey];
    await this.run('radosgw-admin', 'user', 'create', '--uid', name, '--display-name', name, ...keys);
    return { accessKeyId, secretAccessKey };
  }

  async addBucket(name: string, credentials: S3Credentials): Promise<void> {
    const { CreateBucketCommand, S3Client } = await import('@aws-sdk/client-s3');
    const { endpoint } = this;
    const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true });
    try {
      await client.send(new CreateBucketCommand({ Bucket: name }));
    } finally {
      client.destroy();
    }
  }

  /** Nothing in it is worth an orderly end. */
  async stop(): Promise<void> {
    for (const daemon of this.daemons) {
      const ended = new Promise((resolve) => daemon.once('close', resolve));
      if (daemon.exitCode === null && daemon.signalCode === null && daemon.kill('SIGKILL')) await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }

  private async startAll(): Promise<void> {
    for (const name of ['mon', 'osd', 'rgw']) mkdirSync(join(this.directory, name));
    writeFileSync(join(this.directory, 'ceph.conf'), this.configuration());
    const monitor = `[v1:127.0.0.1:${this.monitorPort}]`;
    await this.runPlain('monmaptool', '--create', '--addv', 'a', monitor, '--fsid', this.clusterId, 'monmap');
    await this.run('ceph-mon', '--mkfs', '-i', 'a', '--monmap', 'monmap');
    this.spawn('ceph-mon', '-f', '-i', 'a');
    // Waits for the monitor, and tells it of the disk; it takes no other one in its place.
    const diskId = randomUUID();
    await this.run('ceph', 'osd', 'new', diskId);
    await this.run('ceph', 'osd', 'crush', 'add', 'osd.0', '1', 'root=default');
    await this.run('ceph-osd', '--mkfs', '-i', '0', '--osd-uuid', diskId);
    this.spawn('ceph-osd', '-f', '-i', '0');
    this.spawn('radosgw', '-f', '-n', 'client.rgw');
    await until('radosgw answers', () => this.answers(), { timeoutMs: START_MS_MAX, pollMs: 200 });
  }

  private async answers(): Promise<boolean> {
    const dead = this.daemons.find(({ exitCode }) => exitCode !== null);
    if (dead !== undefined) throw new Error(`${dead.spawnfile} has ended`);
    return fetch(this.endpoint).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  private spawn(program: string, ...args: readonly string[]): void {
    const options = { cwd: this.directory, env: process.env };
    const child = spawnTracked(program, ['-c', 'ceph.conf', ...args], options);
    // They write to their logs; what comes here has to be taken or they stop.
    child.stdout?.resume();
    child.stderr?.resume();
    this.daemons.push(child);
  }

  private run(program: string, ...args: readonly string[]): Promise<void> {
    return this.runPlain(program, '-c', 'ceph.conf', ...args);
  }

  private async runPlain(program: string, ...args: readonly string[]): Promise<void> {
    await promisify(execFile)(program, args, { cwd: this.directory, timeout: START_MS_MAX });
  }

  private logs(): string {
    return ['mon.a', 'osd.0', 'client.rgw']
      .map((name) => {
        try {
          const log = readFileSync(join(this.directory, `${name}.log`), 'utf8');
          return `${name}: …${log.slice(-LOG_CHARACTERS_SHOWN)}`;
        } catch {
          return `${name}: no log`;
        }
      })
      .join('\n');
  }

  private configuration(): string {
    const at = this.directory;
    return [
      '[global]',
      `fsid = ${this.clusterId}`,
      `mon host = v1:127.0.0.1:${this.monitorPort}`,
      'ms bind msgr2 = false',
      'public addr = 127.0.0.1',
      'cluster addr = 127.0.0.1',
      // Between its own parts: users of S3 have keys all the same.
      ...['cluster', 'service', 'client'].map((side) => `auth ${side} required = none`),
      'osd objectstore = memstore',
      `memstore device bytes = ${1024 * 1024 * 1024}`,
      'osd pool default size = 1',
      'osd pool default min size = 1',
      'osd pool default pg num = 1',
      'osd pool default pgp num = 1',
      'osd pool default pg autoscale mode = off',
      'osd crush chooseleaf type = 0',
      // It would tell the monitor where it is before it knows which cluster it is in, now and then, and end over that.
      'osd class update on start = false',
      'osd crush update on start = false',
      'mon allow pool size one = true',
      'mon max pg per osd = 1000',
      // A full disk of this machine is no concern of a monitor that keeps next to nothing.
      'mon data avail crit = 0',
      `mon data = ${at}/mon`,
      `osd data = ${at}/osd`,
      `rgw data = ${at}/rgw`,
      `run dir = ${at}`,
      `keyring = ${at}/keyring`,
      `admin socket = ${at}/$name.asok`,
      `pid file = ${at}/$name.pid`,
      `log file = ${at}/$name.log`,
      `rgw frontends = beast endpoint=127.0.0.1:${this.port}`,
      '',
    ].join('\n');
  }
}
