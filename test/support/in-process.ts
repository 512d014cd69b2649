/** A server in this very process, so that a test can reach its threads. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import { loadConfig } from '../../src/config/load.js';
import { startServer } from '../../src/runtime/server.js';
import type { RunningServer } from '../../src/runtime/server-api.js';
import type { Supervisor } from '../../src/runtime/supervisor.js';
import { HttpCaller } from './http.js';

export interface InProcessServer {
  readonly server: RunningServer;
  readonly supervisor: Supervisor;
  readonly http: HttpCaller;
  readonly dataDir: string;
}

export async function startInProcess(
  t: ExecutionContext,
  env: Readonly<Record<string, string>> = {},
): Promise<InProcessServer> {
  const dataDir = mkdtempSync(join(tmpdir(), 'lumadb-threads-'));
  const { config } = loadConfig({
    env: {
      LUMADB_SHARDING__SHARDS: '1',
      LUMADB_WAL__SEGMENT_SIZE: String(1024 * 1024),
      LUMADB_STORAGE__RESERVE_SIZE: '0',
      LUMADB_STORAGE__READ_ONLY_FREE_BYTES: String(16 * 1024 * 1024),
      LUMADB_QUERY__THREADS: '1',
      ...env,
    },
    overrides: {
      server: { port: 0 },
      storage: { data_dir: dataDir },
      logging: { stdout: false },
    },
  });
  const server = await startServer({ config });
  const http = new HttpCaller(server.port);
  t.teardown(async () => {
    http.close();
    await server.shutdown({ mode: 'force', timeoutMs: 0, reason: 'the test is over' });
    rmSync(dataDir, { recursive: true, force: true });
  });
  // `supervisor` is public on the class and kept out of the interface: it is there for these tests.
  return { server, supervisor: (server as unknown as { supervisor: Supervisor }).supervisor, http, dataDir };
}
