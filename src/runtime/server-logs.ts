/**
 * The log files that the main thread writes but for those of statements (query/query-log.ts): server.log with error.log,
 * access.log, whose lines come from the fronts, and audit.log.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Clock } from '../base/clock.js';
import { logDirectory } from '../config/load.js';
import { LOG_FILES } from '../config/log-files.js';
import type { Config } from '../config/schema.js';
import { AuditLog } from './audit-log.js';
import { LogFile } from './log-file.js';
import { openServerLog, type ServerLog } from './logger.js';

export class ServerLogs {
  readonly audit: AuditLog;
  private readonly server: ServerLog;
  private readonly access: LogFile;
  /** The request that the main thread is at work for. */
  private readonly requestId = new AsyncLocalStorage<string>();

  constructor(config: Config, clock: Pick<Clock, 'wallMs'>) {
    this.server = openServerLog(config, () => this.requestId.getStore());
    const directory = logDirectory(config);
    const cannotWrite = (name: string) => (error: Error) =>
      this.logger.error({ error: error.message }, `${name} cannot be written`);
    this.audit = new AuditLog(directory, clock, cannotWrite(LOG_FILES.audit));
    this.access = new LogFile({
      to: join(directory, LOG_FILES.access),
      // Fronts send many lines at a time.
      isBuffered: false,
      content: 'bytes',
      onError: cannotWrite(LOG_FILES.access),
    });
  }

  get logger(): Logger {
    return this.server.logger;
  }

  /** Lines of server.log that come of `work`, also later, have the request's id. */
  forRequest<T>(requestId: string | undefined, work: () => T): T {
    return requestId === undefined ? work() : this.requestId.run(requestId, work);
  }

  /** Whole lines. False when they wait to be written: their memory must not be used for anything else then. */
  writeAccess(lines: Uint8Array): boolean {
    return this.access.writeNow(lines);
  }

  /** Opens the files anew; after a rotation. Returns why some of them were not. */
  reopen(): readonly Error[] {
    return [this.server, this.audit, this.access].flatMap((log) => log.reopen());
  }

  /** Writes what is buffered. */
  flush(): void {
    this.audit.flush();
    this.access.flush();
    this.server.flush();
  }
}
