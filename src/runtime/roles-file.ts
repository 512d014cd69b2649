/**
 * The roles that hold: those of rbac.yaml, or the built-in ones where there is no file. Read at the start, at SIGHUP, and within
 * seconds of a change. A file that is wrong ends a start; later it is refused loudly, and the roles before it go on. So do they when
 * the file disappears: the built-in ones may allow more than the file did.
 */
import { readFileSync, statSync } from 'node:fs';
import type { Logger } from 'pino';
import { DEFAULT_ROLES, parseRoles, type Roles } from '../auth/roles.js';
import { DbError } from '../base/errors.js';
import { RBAC_FILE_DEFAULT } from '../config/schema.js';
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
    const text = readText(options.path);
    this.isOfFile = text !== undefined;
    this.roles = rolesOf(text, options.path);
  }

  private roles: Roles;
  private isOfFile: boolean;
  private seen: string;
  private stopLooking: () => void = () => {};

  get current(): Roles {
    return this.roles;
  }

  /** Where they come from, for people. */
  get source(): string {
    return this.isOfFile ? this.options.path : 'built in';
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
      const text = readText(path);
      if (text === undefined && this.isOfFile)
        throw new DbError('CONFIG', `${path} is gone; the next start would go by the built-in roles`);
      this.roles = rolesOf(text, path);
      this.isOfFile = text !== undefined;
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
  return rolesOf(readText(path), path);
}

/** Undefined where there is none. */
function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    // One that is there and may not be read is not absent.
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DbError('CONFIG', `cannot read ${path}: ${(error as Error).message}`, { file: path });
  }
}

function rolesOf(text: string | undefined, path: string): Roles {
  if (text === undefined) {
    if (path === RBAC_FILE_DEFAULT) return DEFAULT_ROLES;
    const message = `${path} (security.rbac_file) does not exist: the built-in roles are not what it would say`;
    throw new DbError('CONFIG', message, { key: 'security.rbac_file', file: path });
  }
  if (text.length > FILE_BYTES_MAX)
    throw new DbError('CONFIG', `${path} is larger than ${FILE_BYTES_MAX} bytes`, { file: path });
  return parseRoles(text, path);
}
