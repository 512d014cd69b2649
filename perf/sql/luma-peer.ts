/** LumaDB in the comparison: the real server, loaded over WebSocket, asked over HTTP. */
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocketClient } from '../../src/client/index.js';
import { putAll } from '../bulk-put.js';
import { type ChildProcess, removeDirectory, temporaryDirectory } from '../child-process.js';
import { ServerProcess } from '../server-process.js';
import { type ComparedRow, lumaRows } from './answers.js';
import { type Comparison, INDEXES } from './comparisons.js';
import { ACCOUNTS, accountKey, accountsOf, accountText, ORDERS, orderKey, orderText } from './data.js';
import { LumaClient } from './luma-client.js';
import type { SqlPeer } from './peer.js';

export interface LumaSettings {
  /** Block cache and row cache together. */
  readonly cacheMib: number;
  readonly queryThreads: number;
  /** In front of the command. */
  readonly nodeArguments: readonly string[];
}

/** Documents in one call of the client, which makes frames of them. */
const CALL_DOCUMENTS = 10_000;
const ROW_CACHE_SHARE = 0.25;
const MIB = 2 ** 20;
const POLL_MS = 100;

interface ServerTask {
  readonly id: string | number;
  readonly state: string;
  readonly error?: string;
}

export function lumaConfig({ cacheMib, queryThreads }: Omit<LumaSettings, 'nodeArguments'>): string {
  const rowCache = Math.floor(cacheMib * ROW_CACHE_SHARE);
  return [
    '[memory]',
    `block_cache_size = ${(cacheMib - rowCache) * MIB}`,
    `row_cache_size = ${rowCache * MIB}`,
    '[query]',
    `threads = ${queryThreads}`,
    '',
  ].join('\n');
}

export class LumaPeer implements SqlPeer {
  readonly name = 'lumadb';

  private constructor(
    private readonly server: ServerProcess,
    private readonly directory: string,
    private readonly client: LumaClient,
  ) {}

  static async start(settings: LumaSettings): Promise<LumaPeer> {
    const directory = temporaryDirectory('sql');
    const { nodeArguments } = settings;
    const server = await ServerProcess.start({ directory, config: lumaConfig(settings), nodeArguments });
    return new LumaPeer(server, directory, await LumaClient.open(server.port));
  }

  get port(): number {
    return this.server.port;
  }

  get process(): ChildProcess {
    return this.server.process;
  }

  async load(documents: number, onProgress: (share: number) => void): Promise<void> {
    const client = await WebSocketClient.connect(this.server.wsUrl);
    const put = async (collection: string, count: number, text: (index: number) => string): Promise<void> => {
      const keyOf = collection === ORDERS ? orderKey : accountKey;
      for (let start = 0; start < count; start += CALL_DOCUMENTS) {
        const indexes = Array.from({ length: Math.min(CALL_DOCUMENTS, count - start) }, (_, i) => start + i);
        await this.process.during(putAll(client, collection, indexes.map(keyOf), indexes.map(text)));
        onProgress((start + indexes.length) / count);
      }
    };
    await put(ACCOUNTS, accountsOf(documents), accountText);
    await put(ORDERS, documents, (index) => orderText(index, documents));
    await client.close();
    for (const statement of INDEXES.lumadb) await this.process.during(this.client.query(statement));
    await this.process.during(this.compact());
  }

  async rows(comparison: Comparison, params: readonly (string | number)[]): Promise<readonly ComparedRow[]> {
    const answer = await this.process.during(this.client.query(comparison.lumadb, params));
    return lumaRows(answer, comparison);
  }

  async stop(): Promise<void> {
    this.client.close();
    await this.process.stop();
    removeDirectory(this.directory);
  }

  /** Flushes memtables and merges tables. */
  private async compact(): Promise<void> {
    let task = await this.admin('/admin/compaction', { method: 'POST', body: '{"all":true}' });
    while (task.state === 'running') {
      await sleep(POLL_MS);
      task = await this.admin(`/admin/tasks/${task.id}`, {});
    }
    if (task.state === 'failed') throw new Error(`the compaction failed: ${task.error}`);
  }

  private async admin(path: string, request: RequestInit): Promise<ServerTask> {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(`${this.server.httpUrl}${path}`, { headers, ...request });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${path}: ${text}`);
    return JSON.parse(text) as ServerTask;
  }
}
