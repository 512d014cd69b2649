/** LumaDB as a process of its own: the real command, every setting at its default, a fresh data directory. */
import { HttpClient, WebSocketClient } from '../src/client/index.js';
import { type ChildProcess, removeDirectory, temporaryDirectory } from './child-process.js';
import {
  COLLECTION,
  documentFault,
  documentTemplate,
  fillIn,
  keyOf,
  type PerfDocument,
  type Writer,
} from './documents.js';
import { ServerProcess } from './server-process.js';

/** Documents in one call of the client, which makes frames of them. */
const LOAD_DOCUMENTS = 10_000;
const STATUS_CREATED = 201;
const SAMPLES = 100;

export class LumaServer {
  private constructor(
    readonly process: ChildProcess,
    readonly port: number,
    private readonly directory: string,
    private readonly client: HttpClient,
    private readonly documentBytes: number,
  ) {}

  /** `nodeArguments` go in front of the command. */
  static async start(documentBytes: number, nodeArguments: readonly string[] = []): Promise<LumaServer> {
    const directory = temporaryDirectory('lumadb');
    const { process, port, httpUrl } = await ServerProcess.start({ directory, nodeArguments });
    const client = new HttpClient({ baseUrl: httpUrl });
    return new LumaServer(process, port, directory, client, documentBytes);
  }

  /** Loads documents 0 to keys − 1, over WebSocket: the fastest way in. */
  async load(keys: number): Promise<void> {
    const template = documentTemplate('load', this.documentBytes);
    const client = await WebSocketClient.connect(`ws://127.0.0.1:${this.port}`);
    for (let start = 0; start < keys; start += LOAD_DOCUMENTS) {
      const indexes = Array.from({ length: Math.min(LOAD_DOCUMENTS, keys - start) }, (_, i) => start + i);
      const documents = indexes.map((index) => fillIn(template, index));
      const result = await this.process.during(client.putMany(COLLECTION, indexes.map(keyOf), documents));
      const wrong = result.statuses.findIndex((status) => status !== STATUS_CREATED);
      if (wrong >= 0)
        throw new Error(`loading failed: status ${result.statuses[wrong]}, ${result.error(wrong)?.message}`);
    }
    await client.close();
    await this.check(keys, 'load', true);
  }

  /**
   * Reads some documents and compares them with what was written. With `isWritten`, so much was written by `writer`
   * that one of them must be its.
   */
  async check(keys: number, writer: Writer, isWritten: boolean): Promise<void> {
    let found = 0;
    for (let sample = 0; sample < SAMPLES; sample++) {
      const index = Math.floor(Math.random() * keys);
      const { document } = await this.process.during(this.client.get<PerfDocument>(COLLECTION, keyOf(index)));
      const fault = documentFault(document, index, this.documentBytes);
      if (fault !== undefined) throw new Error(`wrong document: ${fault}`);
      if (document.writer === writer) found++;
    }
    if (isWritten && found === 0) throw new Error(`none of ${SAMPLES} documents was written by "${writer}"`);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.process.stop();
    removeDirectory(this.directory);
  }
}
