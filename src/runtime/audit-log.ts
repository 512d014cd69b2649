/**
 * audit.log: one line for every admin action and every login, with who, from where, what, before and after. Written at once.
 * Main thread only.
 */
import { join } from 'node:path';
import type { Clock } from '../base/clock.js';
import { LOG_FILES } from '../config/log-files.js';
import type { Actor } from '../front/control-plane.js';
import { LogFile } from './log-file.js';

export interface AuditEntry {
  readonly action: string;
  /** Without a request id: done without a request, by the CLI on a stopped server. */
  readonly by: Pick<Actor, 'name' | 'role' | 'kind' | 'address'> & Partial<Pick<Actor, 'requestId'>>;
  /** What it was about: a user, a key, a collection; never a secret. */
  readonly target?: string;
  readonly before?: unknown;
  readonly after?: unknown;
  /** Absent: it was done. */
  readonly error?: string;
}

export class AuditLog {
  private readonly file: LogFile;

  constructor(
    directory: string,
    private readonly clock: Pick<Clock, 'wallMs'>,
    onError: (error: Error) => void,
  ) {
    this.file = new LogFile({ to: join(directory, LOG_FILES.audit), isBuffered: false, onError });
  }

  write({ action, by, target, before, after, error }: AuditEntry): void {
    const line = {
      time: new Date(this.clock.wallMs()).toISOString(),
      // So that `grep admin` finds admin actions, whoever did them.
      type: 'admin',
      action,
      user: by.name,
      role: by.role,
      login: by.kind,
      address: by.address,
      ...(by.requestId === undefined ? {} : { request_id: by.requestId }),
      ...(target === undefined ? {} : { target }),
      ...(before === undefined ? {} : { before }),
      ...(after === undefined ? {} : { after }),
      result: error === undefined ? 'ok' : 'failed',
      ...(error === undefined ? {} : { error }),
    };
    this.file.write(`${JSON.stringify(line)}\n`);
  }

  reopen(): readonly Error[] {
    return this.file.reopen();
  }

  flush(): void {
    this.file.flush();
  }
}
