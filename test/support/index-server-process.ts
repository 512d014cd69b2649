/**
 * A server in a process of its own that can be told to create an index, as long as no client can, and to die of SIGKILL in
 * the middle of it. Talks over the IPC channel: `{ create }` asks, `{ port }`, `{ created }`, `{ built }` and `{ failed }` answer.
 */
import { loadConfig } from '../../src/config/load.js';
import type { NewIndex } from '../../src/indexes/definition.js';
import type { IndexControl } from '../../src/runtime/index-control.js';
import { startServer } from '../../src/runtime/server.js';

export interface IndexCommand {
  readonly create: NewIndex;
  /**
   * It kills itself so long after the creation was answered. Not the test: if that stood still for a moment, the build would
   * be over. Here a build ends only once this thread has heard of it, and a timer that is due comes first.
   */
  readonly dieAfterMs?: number;
}

export interface IndexEvent {
  readonly port?: number;
  readonly created?: string;
  readonly built?: string;
  readonly failed?: string;
}

const say = (event: IndexEvent): void => {
  process.send?.(event);
};

if (process.send !== undefined) {
  const { config } = loadConfig({
    env: process.env,
    overrides: {
      server: { port: 0 },
      storage: { data_dir: process.env['DATA_DIR'] },
      logging: { stdout: false },
    },
  });
  const server = await startServer({ config });
  const { indexes } = server as unknown as { indexes: IndexControl };
  process.on('message', ({ create, dieAfterMs }: IndexCommand) => {
    indexes
      .create(create)
      .then(({ built }) => {
        say({ created: create.name });
        if (dieAfterMs !== undefined) setTimeout(() => process.kill(process.pid, 'SIGKILL'), dieAfterMs);
        return built;
      })
      .then(
        () => say({ built: create.name }),
        (error: Error) => say({ failed: error.message }),
      );
  });
  say({ port: server.port });
}
