/**
 * A private PostgreSQL 15 for the differential test: its own cluster in a temporary directory, reachable only through a socket in
 * there, collation C, time zone UTC, nothing synced. It dies with this process.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';

const BINARIES = '/usr/lib/postgresql/15/bin';
const START_MS_MAX = 60_000;
const STATEMENT_MS_MAX = 10_000;

/** What is missing to run it, or undefined. */
export function missingPostgres(): string | undefined {
  if (!existsSync(join(BINARIES, 'postgres')))
    return `no PostgreSQL 15 in ${BINARIES} (Debian: postgresql-15)`;
  if (!existsSync('/usr/bin/setpriv')) return 'no setpriv (Debian: util-linux)';
  if (userInfo().uid === 0 && idOf('-u') === undefined) return 'no user postgres to run it as';
  return undefined;
}

export interface PostgresResult {
  /** In PostgreSQL's text form. */
  readonly rows: readonly (readonly (string | null)[])[];
  /** Numbers of types, by column. */
  readonly types: readonly number[];
}

export class Postgres {
  private constructor(
    private readonly directory: string,
    private readonly server: ChildProcess,
    private readonly client: pg.Client,
  ) {}

  static async start(): Promise<Postgres> {
    const directory = mkdtempSync(join(tmpdir(), 'luma-pg-'));
    const user = serverUser();
    if (user !== undefined) chownSync(directory, user.uid, user.gid);
    const data = join(directory, 'data');
    const initialise = [
      '-D',
      data,
      '-U',
      'oracle',
      '-E',
      'UTF8',
      '--locale=C',
      '--lc-ctype=C.UTF-8',
      '--no-sync',
      '-A',
      'trust',
    ];
    execFileSync('setpriv', [...asUser(user), join(BINARIES, 'initdb'), ...initialise], {
      stdio: 'pipe',
      cwd: directory,
    });
    const settings = {
      listen_addresses: '',
      unix_socket_directories: directory,
      fsync: 'off',
      timezone: 'UTC',
      max_parallel_workers_per_gather: '0',
      shared_buffers: '32MB',
      jit: 'off',
      statement_timeout: String(STATEMENT_MS_MAX),
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const server = spawn(
      'setpriv',
      // The server ends with this process, however that ends.
      [...asUser(user), '--pdeathsig', 'QUIT', join(BINARIES, 'postgres'), '-D', data, ...flags],
      { stdio: 'ignore', cwd: directory },
    );
    try {
      return new Postgres(directory, server, await connected(directory));
    } catch (error) {
      server.kill('SIGQUIT');
      rmSync(directory, { recursive: true, force: true });
      throw error;
    }
  }

  /** Throws pg's DatabaseError, whose `code` is the SQLSTATE. */
  async query(text: string): Promise<PostgresResult> {
    const { rows, fields } = await this.client.query({ text, rowMode: 'array', types: TEXT_ONLY });
    return { rows, types: fields.map(({ dataTypeID }) => dataTypeID) };
  }

  /** A table with one column `data`, a document in each row. */
  async load(table: string, documents: readonly string[]): Promise<void> {
    await this.client.query(`CREATE TABLE ${table} (data jsonb NOT NULL)`);
    await this.client.query(`INSERT INTO ${table} SELECT unnest($1::text[])::jsonb`, [documents]);
    await this.client.query(`ANALYZE ${table}`);
  }

  async drop(table: string): Promise<void> {
    await this.client.query(`DROP TABLE ${table}`);
  }

  async stop(): Promise<void> {
    await this.client.end();
    const ended = new Promise((resolve) => this.server.once('exit', resolve));
    if (this.server.exitCode === null && this.server.signalCode === null) {
      this.server.kill('SIGINT');
      await ended;
    }
    rmSync(this.directory, { recursive: true, force: true });
  }
}

const TEXT_ONLY = {
  getTypeParser: () => (value: string | Buffer) => value,
} as unknown as pg.CustomTypesConfig;

interface ServerUser {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root. */
function serverUser(): ServerUser | undefined {
  if (userInfo().uid !== 0) return undefined;
  const uid = idOf('-u');
  const gid = idOf('-g');
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres');
  return { uid, gid };
}

const asUser = (user: ServerUser | undefined): string[] =>
  user === undefined ? [] : [`--reuid=${user.uid}`, `--regid=${user.gid}`, '--clear-groups'];

function idOf(flag: '-u' | '-g'): number | undefined {
  try {
    return Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

async function connected(directory: string): Promise<pg.Client> {
  const attemptMs = 100;
  for (let waitedMs = 0; ; waitedMs += attemptMs) {
    const client = new pg.Client({ host: directory, user: 'oracle', database: 'postgres' });
    try {
      await client.connect();
      // A server that goes away is seen by the next query.
      client.on('error', () => undefined);
      return client;
    } catch (error) {
      if (waitedMs > START_MS_MAX) throw error;
      await sleep(attemptMs);
    }
  }
}
