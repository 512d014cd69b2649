/** A real server whose memtables, tables and levels are as small as they can be, and what tests of its storage do with it. */
import { createPrng } from '../../src/base/prng.js';
import { TestServer } from './server.js';

const KIB = 1024;
const DOCUMENTS_A_BULK = 2000;

/** Two shards; expired documents stay until somebody removes them. */
export function startStorageServer(
  env: Readonly<Record<string, string>> = {},
  dataDir?: string,
): Promise<TestServer> {
  return TestServer.start({
    ...(dataDir === undefined ? {} : { dataDir }),
    env: {
      LUMADB_SHARDING__SHARDS: '2',
      LUMADB_MEMORY__MEMTABLE_SIZE: String(KIB * KIB),
      LUMADB_WAL__SEGMENT_SIZE: String(KIB * KIB),
      LUMADB_COMPACTION__TABLE_SIZE: String(64 * KIB),
      LUMADB_COMPACTION__LEVEL_BASE_SIZE: String(256 * KIB),
      LUMADB_COMPACTION__EXPIRY_SWEEP_INTERVAL_MS: '3600000',
      ...env,
    },
  });
}

/** Writes documents k0, k1, … of some 300 bytes that do not compress to nothing. */
export async function fill(server: TestServer, collection: string, count: number, seed = 1): Promise<void> {
  const prng = createPrng(seed);
  const text = (): string => Array.from({ length: 40 }, () => prng.nextUint32().toString(36)).join('');
  for (let from = 0; from < count; from += DOCUMENTS_A_BULK) {
    const documents = Array.from({ length: Math.min(DOCUMENTS_A_BULK, count - from) }, (_, i) => ({
      _id: `k${from + i}`,
      text: text(),
    }));
    const answer = await server.request('POST', `/api/v1/${collection}/bulk`, { body: { documents } });
    if (answer.status !== 200) throw new Error(`bulk: ${answer.status} ${answer.text.slice(0, 300)}`);
  }
}

/** Deletes k0 to k(count - 1). */
export async function deleteFirst(server: TestServer, collection: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 100) {
    await Promise.all(
      Array.from({ length: Math.min(100, count - i) }, (_, j) =>
        server.request('DELETE', `/api/v1/${collection}/k${i + j}`),
      ),
    );
  }
}

/** Starts a task and waits for its end. */
// biome-ignore lint/suspicious/noExplicitAny: tests pick answers apart in many ways
export async function runTask(server: TestServer, path: string, body: unknown): Promise<any> {
  const started = await server.request('POST', path, { body });
  if (started.status !== 202) throw new Error(`${path}: ${started.status} ${started.text}`);
  let task = started.json;
  await server.until(`task ${task.id} ends`, async () => {
    task = (await server.get(`/admin/tasks/${task.id}`)).json;
    return task.state !== 'running';
  });
  return task;
}

export async function documentCount(server: TestServer, collection: string): Promise<number> {
  return (await server.get(`/api/v1/collections/${collection}`)).json.document_count;
}
