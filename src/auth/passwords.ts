/**
 * Passwords, stored as argon2id with the parameters that OWASP names first for it (19 MiB, two passes, one lane). Hashing runs in
 * libuv's threads; how many at once is bounded, since each takes that memory and a core. Main thread and CLI.
 */
import { hash, verify } from '@node-rs/argon2';
import { DbError } from '../base/errors.js';

export const PASSWORD_LENGTH_MIN = 8;
export const PASSWORD_LENGTH_MAX = 1024;

const PARAMETERS = { memoryCost: 19_456, timeCost: 2, parallelism: 1 } as const;
const AT_ONCE_MAX = 2;
const WAITING_MAX = 64;
/** Of one address: others get a place as well. */
const WAITING_OF_ONE_MAX = 16;

export function requirePassword(password: unknown): asserts password is string {
  if (
    typeof password === 'string' &&
    password.length >= PASSWORD_LENGTH_MIN &&
    password.length <= PASSWORD_LENGTH_MAX
  )
    return;
  const message = `a password has ${PASSWORD_LENGTH_MIN} to ${PASSWORD_LENGTH_MAX} characters`;
  throw new DbError('VALIDATION', message, { field: 'password' });
}

/** In PHC form: `$argon2id$v=19$m=…`. */
export function hashPassword(password: string): Promise<string> {
  return hash(password, PARAMETERS);
}

/** Who shows a password. */
export interface PasswordCaller {
  readonly address: string;
  /** Throws when he must not try. Asked when his turn comes: others of his tries may have failed while this one waited. */
  requireTry(): void;
}

export class PasswordChecker {
  private running = 0;
  private readonly waiting: Array<{ readonly address: string; readonly enter: () => void }> = [];
  /** Of nobody: an unknown name takes as long as a wrong password. */
  private decoy: Promise<string> | undefined;

  /** `stored`: undefined for a user who does not exist. Throws DbError RATE_LIMITED when too many wait. */
  async isRight(stored: string | undefined, password: string, caller: PasswordCaller): Promise<boolean> {
    await this.enter(caller.address);
    try {
      caller.requireTry();
      this.decoy ??= hashPassword('nobody has this password');
      const isSame = await verify(stored ?? (await this.decoy), password);
      return isSame && stored !== undefined;
    } finally {
      this.leave();
    }
  }

  private async enter(address: string): Promise<void> {
    if (this.running < AT_ONCE_MAX) {
      this.running++;
      return;
    }
    if (this.waiting.length >= WAITING_MAX)
      throw new DbError('RATE_LIMITED', `${WAITING_MAX} logins wait already: try again in a moment`);
    if (this.waiting.filter((one) => one.address === address).length >= WAITING_OF_ONE_MAX) {
      const message = `${WAITING_OF_ONE_MAX} logins from this address wait already: try again in a moment`;
      throw new DbError('RATE_LIMITED', message);
    }
    await new Promise<void>((enter) => this.waiting.push({ address, enter }));
  }

  /** The place goes to who waits longest. */
  private leave(): void {
    const next = this.waiting.shift();
    if (next === undefined) this.running--;
    else next.enter();
  }
}
