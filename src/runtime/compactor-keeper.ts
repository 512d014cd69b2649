/**
 * Keeps one shard's compactor thread: starts it, starts it again when it dies, and asks it for spare WAL segments. A shard
 * can do without it: it then prepares segments itself, only slower. Main thread only.
 */
import type { Logger } from 'pino';
import { closeThread } from './close-thread.js';
import type { CompactorControl, CompactorThreadData } from './compactor-thread.js';
import { ThreadHandle } from './thread-handle.js';
import { COMPACTOR_WORKER } from './worker-paths.js';

const RESTART_DELAY_MS = 10_000;

export class CompactorKeeper {
  /** Undefined while it is down. */
  thread: ThreadHandle<CompactorControl> | undefined;
  private isPreparingSpare = false;
  private isClosed = false;

  constructor(
    private readonly shard: number,
    private readonly data: Omit<CompactorThreadData, 'controlPort'>,
    private readonly logger: Logger,
  ) {}

  /** Does nothing when the thread runs already. */
  start(): void {
    if (this.thread !== undefined || this.isClosed) return;
    const name = `compactor-${this.shard}`;
    const thread = new ThreadHandle<CompactorControl>({ script: COMPACTOR_WORKER, name, data: this.data });
    this.thread = thread;
    thread.exited.then(({ error }) => {
      this.thread = undefined;
      this.isPreparingSpare = false;
      if (this.isClosed) return;
      this.logger.error({ shard: this.shard, error: error?.stack }, 'compactor thread died');
      setTimeout(() => this.start(), RESTART_DELAY_MS).unref();
    });
  }

  /** Asks for one more spare segment, unless that is under way. */
  prepareSpare(): void {
    const { thread } = this;
    if (thread === undefined || this.isPreparingSpare || this.isClosed) return;
    this.isPreparingSpare = true;
    thread
      .call(thread.control.prepareSpare())
      .then((failed) => {
        if (failed !== undefined) {
          this.logger.warn({ shard: this.shard }, `no spare WAL segment: ${failed.message}`);
        }
      })
      .catch(() => {})
      .finally(() => {
        this.isPreparingSpare = false;
      });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const { thread } = this;
    if (thread !== undefined) {
      await closeThread(`compactor ${this.shard}`, thread, thread.control.close(), this.logger);
    }
  }
}
