/**
 * One process of the LumaDB server: the real command, on a directory that outlives it, so that a harness can stop or
 * kill it and start it again. Knows nothing of documents.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readAnnouncement } from '../src/runtime/data-directory.js';
import { ChildProcess } from './child-process.js';
import { LUMADB_COMMAND } from './package-root.js';

const START_MS_MAX = 20_000;
const POLL_MS = 5;

export interface ServerOptions {
  /** Holds `config.toml` and `data/`. */
  readonly directory: string;
  /** Text of the configuration file; empty is every setting at its default. */
  readonly config?: string;
  /** In front of the command. */
  readonly nodeArguments?: readonly string[];
  /** How long it may take to be ready, recovery included. */
  readonly startMsMax?: number;
}

export class ServerProcess {
  private constructor(
    readonly process: ChildProcess,
    readonly port: number,
    /** From the start of the process to the first 200 of /ready, good to a few milliseconds. */
    readonly readyMs: number,
  ) {}

  /** Resolves when it serves. */
  static async start(options: ServerOptions): Promise<ServerProcess> {
    const { directory, config = '', nodeArguments = [], startMsMax = START_MS_MAX } = options;
    const dataDirectory = dataDirectoryOf(directory);
    mkdirSync(dataDirectory, { recursive: true, mode: 0o700 });
    const configFile = join(directory, 'config.toml');
    writeFileSync(configFile, config);
    const flags = ['--config', configFile, '--data-dir', dataDirectory, '--host', '127.0.0.1', '--port', '0'];
    const startMs = performance.now();
    const child = new ChildProcess(
      'the LumaDB server',
      process.execPath,
      [...nodeArguments, LUMADB_COMMAND, 'start', ...flags],
      { cwd: directory },
    );
    const port = await child.during(readyPort(child, dataDirectory, startMsMax)).catch((error: Error) => {
      throw new Error(`${error.message}\n${child.output}`);
    });
    return new ServerProcess(child, port, performance.now() - startMs);
  }

  get httpUrl(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  get wsUrl(): string {
    return `ws://127.0.0.1:${this.port}`;
  }
}

export function dataDirectoryOf(directory: string): string {
  return join(directory, 'data');
}

/** The port that the server announced, once it serves: it announces itself before its shards are ready. */
async function readyPort(child: ChildProcess, dataDirectory: string, msMax: number): Promise<number> {
  const deadlineMs = performance.now() + msMax;
  while (performance.now() < deadlineMs) {
    const announcement = readAnnouncement(dataDirectory);
    // One that was killed leaves its announcement behind.
    const port = announcement?.pid === child.pid ? announcement.port : null;
    if (port && (await isReady(port))) return port;
    await sleep(POLL_MS);
  }
  throw new Error(`the LumaDB server was not ready within ${msMax} ms`);
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/ready`);
  await answer.text();
  return answer.ok;
}
