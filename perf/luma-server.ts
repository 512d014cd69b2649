/** A server for one measurement: every setting at its default, a fresh directory, gone afterwards. */
import { type ChildProcess, removeDirectory, temporaryDirectory } from './child-process.js';
import { loadDocuments, sampleDocuments } from './document-load.js';
import type { Writer } from './documents.js';
import { ServerProcess } from './server-process.js';

export class LumaServer {
  private constructor(
    private readonly server: ServerProcess,
    private readonly directory: string,
    private readonly documentBytes: number,
  ) {}

  /** `nodeArguments` go in front of the command. */
  static async start(documentBytes: number, nodeArguments: readonly string[] = []): Promise<LumaServer> {
    const directory = temporaryDirectory('lumadb');
    const server = await ServerProcess.start({ directory, nodeArguments });
    return new LumaServer(server, directory, documentBytes);
  }

  get process(): ChildProcess {
    return this.server.process;
  }

  get port(): number {
    return this.server.port;
  }

  /** Loads documents 0 to keys − 1. */
  async load(keys: number): Promise<void> {
    await loadDocuments(this.server, keys, 'load', this.documentBytes);
    await this.check(keys, 'load', true);
  }

  /**
   * Reads some documents and compares them with what was written. With `isWritten`, so much was written by `writer`
   * that one of them must be its.
   */
  async check(keys: number, writer: Writer, isWritten: boolean): Promise<void> {
    const share = await sampleDocuments(this.server, keys, writer, this.documentBytes);
    if (isWritten && share === 0) throw new Error(`no sampled document was written by "${writer}"`);
  }

  async stop(): Promise<void> {
    await this.server.process.stop();
    removeDirectory(this.directory);
  }
}
