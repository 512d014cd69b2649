/**
 * The roles that hold: those of rbac.yaml, or the built-in ones where there is no file. Read at the start, at SIGHUP, and within
 * seconds of a change. A file that is wrong ends a start; later it is refused loudly, and the roles before it go on.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { DEFAULT_ROLES, parseRoles, type Roles } from '../auth/roles.js';
import { DbError } from '../base/errors.js';
import type { RepeatingTimer } from './repeating-timer.js';

const LOOK_INTERVAL_MS = 2000;
const FILE_BYTES_MAX = 1024 * 1024;

export interface RolesFileOptions {
  readonly path: string;
  readonly timer: RepeatingTimer;
  readonly logger: Pick<Logger, 'info' | 'error'>;
  readonly onChange: () => void;
}

export class RolesFile {
  /** Throws DbError CONFIG for a file that is wrong. */
  constructor(private readonly options: RolesFileOptions) {
    this.seen = this.stamp();
    this.roles = readRoles(options.path);
  }

  private roles: Roles;
  private seen: string;
  private stopLooking: () => void = () => {};

  get current(): Roles {
    return this.roles;
  }

  /** Where they come from, for people. */
  get source(): string {
    return this.seen === '' ? 'built in' : this.options.path;
  }

  start(): void {
    this.stopLooking = this.options.timer(LOOK_INTERVAL_MS, () => {
      if (this.stamp() !== this.seen) this.reload();
    });
  }

  close(): void {
    this.stopLooking();
  }

  reload(): void {
    const { path, logger, onChange } = this.options;
    this.seen = this.stamp();
    try {
      this.roles = readRoles(path);
    } catch (error) {
      logger.error({ file: path, error: (error as Error).message }, 'roles not changed: the file is wrong');
      return;
    }
    logger.info({ file: this.source, roles: Object.keys(this.roles).join(',') }, 'roles read');
    onChange();
  }

  /** Changes with the file; '' while there is none. */
  private stamp(): string {
    try {
      const { mtimeMs, size, ino } = statSync(this.options.path);
      return `${mtimeMs} ${size} ${ino}`;
    } catch {
      return '';
    }
  }
}

/** The built-in roles where there is no file. Throws DbError CONFIG for a file that is wrong. */
export function readRoles(path: string): Roles {
  if (!existsSync(path)) return DEFAULT_ROLES;
  const text = readFileSync(path, 'utf8');
  if (text.length > FILE_BYTES_MAX)
    throw new DbError('CONFIG', `${path} is larger than ${FILE_BYTES_MAX} bytes`, { file: path });
  return parseRoles(text, path);
}
