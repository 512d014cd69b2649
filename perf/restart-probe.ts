/** Stops, kills and starts one server on one directory, and makes sure that nothing was lost. */
import { removeDirectory, temporaryDirectory } from './child-process.js';
import { countDocuments, loadDocuments, sampleDocuments } from './document-load.js';
import type { Writer } from './documents.js';
import { diskBytes, dropFromPageCache } from './embedded/file-usage.js';
import { ProgressLine } from './progress.js';
import { ServerProcess } from './server-process.js';

export interface RestartOptions {
  readonly documents: number;
  readonly documentBytes: number;
  readonly rounds: number;
  /** Drop the files from the page cache before each start. */
  readonly cold: boolean;
  readonly memtableMib: number;
  readonly memtables: number;
}

export interface RestartRound {
  /** From SIGTERM to the end of the process. */
  readonly stopMs: number;
  /** From the start of the process to the first 200 of /ready. */
  readonly gracefulReadyMs: number;
  readonly killedReadyMs: number;
}

export interface RestartResult {
  readonly documentsPerSecond: number;
  readonly emptyReadyMs: number;
  /** Of everything in the directory, after the load. */
  readonly diskBytes: number;
  readonly rounds: readonly RestartRound[];
}

const MIB = 2 ** 20;
const START_MS_MAX = 600_000;
const STOP_MS_MAX = 120_000;
/** This part of the documents is written again before a kill, so that there is something to recover. */
const REWRITTEN_SHARE = 0.1;

class RestartProbe {
  private readonly directory = temporaryDirectory('restart');
  private readonly progress: ProgressLine;

  constructor(private readonly options: RestartOptions) {
    this.progress = new ProgressLine(1 + 2 * options.rounds);
  }

  async run(): Promise<RestartResult> {
    const { documents, documentBytes, rounds } = this.options;
    let server = await this.start();
    const emptyReadyMs = server.readyMs;
    this.progress.next('loading');
    const loadStartMs = performance.now();
    await loadDocuments(server, documents, 'load', documentBytes, (share) => this.progress.share(share));
    const documentsPerSecond = (documents / (performance.now() - loadStartMs)) * 1000;
    const bytes = diskBytes(this.directory);
    const measured: RestartRound[] = [];
    for (let number = 1; number <= rounds; number++) {
      const { round, server: successor } = await this.round(server, number);
      server = successor;
      measured.push(round);
    }
    this.progress.clear();
    await server.process.stop(STOP_MS_MAX);
    removeDirectory(this.directory);
    return { documentsPerSecond, emptyReadyMs, diskBytes: bytes, rounds: measured };
  }

  private async round(
    server: ServerProcess,
    number: number,
  ): Promise<{ round: RestartRound; server: ServerProcess }> {
    const { documents, documentBytes, rounds } = this.options;
    this.progress.next(`round ${number} of ${rounds}: stop`);
    const stopStartMs = performance.now();
    const how = await server.process.stop(STOP_MS_MAX);
    if (how !== 'exit code 0') throw new Error(`the server did not stop as it should: ${how}`);
    const stopMs = performance.now() - stopStartMs;
    const graceful = await this.start();
    await this.check(graceful, number === 1 ? 'load' : 'sock');
    this.progress.next(`round ${number} of ${rounds}: kill -9`);
    await loadDocuments(graceful, Math.ceil(documents * REWRITTEN_SHARE), 'sock', documentBytes);
    await graceful.process.kill();
    const killed = await this.start();
    await this.check(killed, 'sock');
    const round = { stopMs, gracefulReadyMs: graceful.readyMs, killedReadyMs: killed.readyMs };
    return { round, server: killed };
  }

  private start(): Promise<ServerProcess> {
    const { cold, memtableMib, memtables } = this.options;
    if (cold) dropFromPageCache(this.directory);
    const config = `[memory]\nmemtable_size = ${memtableMib * MIB}\nmemtables_max = ${memtables}\n`;
    return ServerProcess.start({ directory: this.directory, config, startMsMax: START_MS_MAX });
  }

  /** Every document must be there, and those that are written again must be by `writer`, who wrote them last. */
  private async check(server: ServerProcess, writer: Writer): Promise<void> {
    const { documents, documentBytes } = this.options;
    const counted = await countDocuments(server);
    if (counted !== documents) throw new Error(`the server counts ${counted} documents, not ${documents}`);
    await sampleDocuments(server, documents, 'load', documentBytes);
    const rewritten = Math.ceil(documents * REWRITTEN_SHARE);
    const share = await sampleDocuments(server, rewritten, writer, documentBytes);
    if (share !== 1)
      throw new Error(`of the first ${rewritten} documents ${share * 100} % are by "${writer}"`);
  }
}

export function runRestarts(options: RestartOptions): Promise<RestartResult> {
  return new RestartProbe(options).run();
}
