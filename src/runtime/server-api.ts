/** What the CLI and the server agree on. The implementation is server.ts; nothing here runs. */
import type { ConfigChanges } from '../config/changes.js';
import type { ConfigCheck } from '../config/load.js';
import type { Config } from '../config/schema.js';

export interface StartOptions {
  readonly config: Config;
  /** Loads the configuration as the next start would, with these changes made at run time. Without it none can be made. */
  readonly reload?: (changes: ConfigChanges) => ConfigCheck;
  /** Reads what can be read, takes no writes, changes nothing on disk. Default false. */
  readonly recoveryMode?: boolean;
  /** What loading the configuration had to say (inactive keys, memory); the server logs each at warn. */
  readonly warnings?: readonly string[];
}

export interface ShutdownOptions {
  readonly mode: 'graceful' | 'force';
  readonly timeoutMs: number;
  readonly reason: string;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  readonly version: string;
  readonly shards: number;
  /** Stops accepting, drains, flushes, closes. Resolves when everything is on disk. Idempotent. */
  shutdown(options: ShutdownOptions): Promise<void>;
  /** Resolves with the exit code when the server has stopped for any reason. */
  readonly stopped: Promise<number>;
  /** Opens every log file anew, after a rotation. */
  reopenLogs?(): void;
}

export type StartServer = (options: StartOptions) => Promise<RunningServer>;
