/**
 * A private PostgreSQL 15 for one run: its own cluster in a temporary directory, every setting at its default but the size of
 * its buffers, collation C. It dies with this process.
 */
import { execFileSync } from 'node:child_process';
import { chownSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ChildProcess, removeDirectory, temporaryDirectory } from '../child-process.js';
import { freePort } from '../free-port.js';

const BINARIES = '/usr/lib/postgresql/15/bin';
const SETPRIV = '/usr/bin/setpriv';
const USER = 'perf';
const START_MS_MAX = 60_000;
const POLL_MS = 100;

/** What is missing to run it, or undefined. */
export function missingPostgres(): string | undefined {
  if (!existsSync(join(BINARIES, 'postgres'))) return 'PostgreSQL 15 (Debian: postgresql-15)';
  if (!existsSync(SETPRIV)) return 'setpriv (Debian: util-linux)';
  if (process.getuid?.() === 0 && postgresId('-u') === undefined) return 'a user postgres to run it as';
  return undefined;
}

function postgresId(flag: '-u' | '-g'): number | undefined {
  try {
    return Number(execFileSync('id', [flag, 'postgres'], { stdio: ['ignore', 'pipe', 'ignore'] }));
  } catch {
    return undefined;
  }
}

/** Flags of setpriv: PostgreSQL refuses to run as root. The directory becomes its user's. */
function asItsUser(directory: string): string[] {
  if (process.getuid?.() !== 0) return [];
  const [uid, gid] = [postgresId('-u'), postgresId('-g')];
  if (uid === undefined || gid === undefined) throw new Error('there is no user postgres');
  chownSync(directory, uid, gid);
  return [`--reuid=${uid}`, `--regid=${gid}`, '--clear-groups'];
}

export class PostgresServer {
  private constructor(
    readonly process: ChildProcess,
    readonly port: number,
    private readonly directory: string,
  ) {}

  static async start(bufferMib: number): Promise<PostgresServer> {
    const directory = temporaryDirectory('postgres');
    const user = asItsUser(directory);
    const data = join(directory, 'data');
    const cluster = ['-D', data, '-U', USER, '-E', 'UTF8', '--locale=C', '-A', 'trust', '--no-sync'];
    execFileSync(SETPRIV, [...user, join(BINARIES, 'initdb'), ...cluster], { stdio: 'pipe', cwd: directory });
    const port = await freePort();
    const settings = {
      listen_addresses: '127.0.0.1',
      port,
      unix_socket_directories: '',
      shared_buffers: `${bufferMib}MB`,
    };
    const flags = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    const child = new ChildProcess(
      'PostgreSQL',
      SETPRIV,
      [...user, '--pdeathsig', 'QUIT', join(BINARIES, 'postgres'), '-D', data, ...flags],
      { cwd: directory },
    );
    const server = new PostgresServer(child, port, directory);
    await child.during(server.untilReady());
    return server;
  }

  async connect(): Promise<pg.Client> {
    return connectPostgres(this.port);
  }

  async stop(): Promise<void> {
    await this.process.stop();
    removeDirectory(this.directory);
  }

  private async untilReady(): Promise<void> {
    const deadlineMs = performance.now() + START_MS_MAX;
    for (;;) {
      try {
        const client = await this.connect();
        await client.end();
        return;
      } catch (error) {
        if (performance.now() > deadlineMs) throw error;
        await sleep(POLL_MS);
      }
    }
  }
}

export async function connectPostgres(port: number): Promise<pg.Client> {
  const client = new pg.Client({ host: '127.0.0.1', port, user: USER, database: 'postgres' });
  await client.connect();
  return client;
}
