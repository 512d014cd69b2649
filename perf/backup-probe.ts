/**
 * Backs up one server's data and restores it, against the same bytes through cp and zstd, all by turns; and looks at what PUTs
 * notice of a backup, and at how large an incremental one is after a hundredth of the documents has changed.
 */
import { spawn, spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HttpClient } from '../src/client/index.js';
import { removeDirectory, temporaryDirectory } from './child-process.js';
import { loadEach } from './document-load.js';
import { COLLECTION, keyOf, variedDocument } from './documents.js';
import { ServerProcess } from './server-process.js';

export interface BackupPerfOptions {
  readonly documents: number;
  readonly documentBytes: number;
  readonly rounds: number;
  readonly putSeconds: number;
}

export interface BackupRound {
  /** Seconds: the files of the tables by cp into the page cache, by cp and sync, and through zstd -1 to files and back. */
  readonly cp: number;
  readonly cpSync: number;
  readonly zstd: number;
  readonly unzstd: number;
  /** Seconds of the command in all, its start included. */
  readonly backupNone: number;
  readonly backupZstd: number;
  readonly restoreNone: number;
  readonly restoreZstd: number;
}

export interface IncrementalSizes {
  readonly fullBytes: number;
  /** Of the incremental backup right after the change. */
  readonly incrementalBytes: number;
  /** Of one that is taken after a compaction of everything. */
  readonly compactedBytes: number;
}

export interface BackupPerfResult {
  readonly tableBytes: number;
  readonly rounds: readonly BackupRound[];
  /** A hundredth of the documents changed: neighbours, or every hundredth. */
  readonly together: IncrementalSizes;
  readonly spread: IncrementalSizes;
  readonly putP99AloneMs: number;
  readonly putP99BesideMs: number;
}

const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));
const CHANGED_SHARE = 0.01;
const PUT_LANES = 8;

/** Seconds. */
function timed(command: string, args: readonly string[]): number {
  const startMs = performance.now();
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
  return (performance.now() - startMs) / 1000;
}

const lumadb = (...args: string[]): number => timed(process.execPath, [MAIN, ...args, '--json']);

function bytesUnder(directory: string): number {
  return readdirSync(directory, { withFileTypes: true }).reduce((sum, entry) => {
    const path = join(directory, entry.name);
    return sum + (entry.isDirectory() ? bytesUnder(path) : statSync(path).size);
  }, 0);
}

class BackupProbe {
  private readonly data = temporaryDirectory('backup-data');
  private readonly place = temporaryDirectory('backups');

  constructor(private readonly options: BackupPerfOptions) {}

  async run(): Promise<BackupPerfResult> {
    const { documents, documentBytes, rounds } = this.options;
    let server = await this.start();
    await loadEach(server, documents, (index) => variedDocument('load', documentBytes, index));
    lumadb('compact', '--all', '--port', String(server.port));
    const tableBytes = bytesUnder(this.tables);
    const measured: BackupRound[] = [];
    for (let number = 0; number < rounds; number++) measured.push(this.round(server, number));
    const { putP99AloneMs, putP99BesideMs } = await this.puts(server);
    await server.process.stop();
    server = await this.start();
    // Neighbours change first, then documents all over the keys.
    const changed = Math.ceil(documents * CHANGED_SHARE);
    const together = await this.incremental(server, 'together', changed, (i) => i);
    const spread = await this.incremental(server, 'spread', changed, (i) => Math.floor(i / CHANGED_SHARE));
    const result = {
      tableBytes,
      rounds: measured,
      together,
      spread,
      putP99AloneMs,
      putP99BesideMs,
    };
    await server.process.stop();
    removeDirectory(this.data);
    removeDirectory(this.place);
    return result;
  }

  /** A full backup, a change of `changed` documents, an incremental one, a compaction of everything, and one more. */
  private async incremental(
    server: ServerProcess,
    name: string,
    changed: number,
    indexOf: (i: number) => number,
  ): Promise<IncrementalSizes> {
    const port = String(server.port);
    const backUp = (suffix: string, ...args: string[]): number => {
      const destination = join(this.place, `${name}-${suffix}`);
      lumadb('backup', '--destination', destination, '--port', port, ...args);
      return bytesUnder(destination);
    };
    const fullBytes = backUp('full', '--type', 'full');
    const documentOf = (i: number): string => variedDocument('sock', this.options.documentBytes, indexOf(i));
    await loadEach(server, changed, documentOf, { keyOf: (i) => keyOf(indexOf(i)) });
    const parent = ['--type', 'incremental', '--parent', `${name}-full`];
    const incrementalBytes = backUp('incremental', ...parent);
    lumadb('compact', '--all', '--port', port);
    return { fullBytes, incrementalBytes, compactedBytes: backUp('compacted', ...parent) };
  }

  private get tables(): string {
    return join(this.data, 'data', 'shard-0000', 'sst');
  }

  private start(): Promise<ServerProcess> {
    return ServerProcess.start({ directory: this.data, startMsMax: 600_000 });
  }

  /** One after the other, so that the machine is the same for all. */
  private round(server: ServerProcess, number: number): BackupRound {
    const port = String(server.port);
    const at = (name: string): string => join(this.place, `${name}-${number}`);
    const { tables } = this;
    const cp = timed('cp', ['-r', tables, at('cp')]);
    const cpSync = timed('bash', ['-c', `cp -r ${tables} ${at('s')} && sync -f ${at('s')}`]);
    const backupNone = lumadb(
      'backup',
      '--destination',
      at('none'),
      '--compression',
      'none',
      '--parallel',
      '2',
      '--no-nice',
      '--port',
      port,
    );
    const zstd = timed('bash', [
      '-c',
      `mkdir ${at('z')} && for f in ${tables}/*.sst; do zstd -q -1 $f -o ${at('z')}/$(basename $f); done`,
    ]);
    const backupZstd = lumadb(
      'backup',
      '--destination',
      at('zstd'),
      '--compression',
      'zstd',
      '--parallel',
      '2',
      '--no-nice',
      '--port',
      port,
    );
    const unzstd = timed('bash', [
      '-c',
      `mkdir ${at('u')} && for f in ${at('z')}/*; do zstd -q -d $f -o ${at('u')}/$(basename $f).sst; done`,
    ]);
    const restoreNone = lumadb('restore', '--source', at('none'), '--target', at('r-none'));
    const restoreZstd = lumadb('restore', '--source', at('zstd'), '--target', at('r-zstd'));
    for (const name of ['cp', 's', 'none', 'z', 'zstd', 'u', 'r-none', 'r-zstd']) removeDirectory(at(name));
    return { cp, cpSync, zstd, unzstd, backupNone, backupZstd, restoreNone, restoreZstd };
  }

  private async puts(server: ServerProcess): Promise<{ putP99AloneMs: number; putP99BesideMs: number }> {
    const putP99AloneMs = await this.putP99(server);
    const args = ['backup', '--destination', join(this.place, 'beside'), '--port', String(server.port)];
    const backup = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' });
    const ended = new Promise((resolve) => backup.once('close', resolve));
    const putP99BesideMs = await this.putP99(server);
    await ended;
    return { putP99AloneMs, putP99BesideMs };
  }

  /** Of durable single PUTs over some connections. */
  private async putP99(server: ServerProcess): Promise<number> {
    const { putSeconds, documents, documentBytes } = this.options;
    const latencies: number[] = [];
    const endMs = performance.now() + putSeconds * 1000;
    const lane = async (first: number): Promise<void> => {
      const client = new HttpClient({ baseUrl: server.httpUrl });
      for (let index = first; performance.now() < endMs; index += PUT_LANES) {
        const startMs = performance.now();
        await client.put(
          COLLECTION,
          keyOf(index % documents),
          variedDocument('http', documentBytes, index % documents),
          {
            durability: 'always',
          },
        );
        latencies.push(performance.now() - startMs);
      }
      client.close();
    };
    await Promise.all(Array.from({ length: PUT_LANES }, (_, first) => lane(first)));
    latencies.sort((a, b) => a - b);
    return latencies[Math.floor(latencies.length * 0.99)] ?? 0;
  }
}

export function runBackups(options: BackupPerfOptions): Promise<BackupPerfResult> {
  return new BackupProbe(options).run();
}
