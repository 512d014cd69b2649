/**
 * Refuses logins after repeated failures, per user and per address. A user is locked only towards addresses that have failed
 * themselves, or everybody could lock out an operator by guessing; an address is locked for all users. Bounded; main thread only.
 */
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { networkOf } from './network.js';

export interface LockoutRules {
  /** Failures of a user from one address before it is locked. An address as a whole has four times as many. */
  readonly failuresMax: number;
  readonly lockMs: number;
}

const ADDRESS_FACTOR = 4;
/** Forgotten from the oldest: a flood of names must not fill the memory. */
const ENTRIES_MAX = 100_000;

interface Failures {
  count: number;
  lastMs: number;
}

export class Lockout {
  private readonly failures = new Map<string, Failures>();

  constructor(
    private readonly rules: () => LockoutRules,
    private readonly clock: Pick<Clock, 'monotonicMs'>,
  ) {}

  /** Throws DbError RATE_LIMITED while this user at this address, or the address, is locked. */
  require(username: string, address: string): void {
    const { failuresMax, lockMs } = this.rules();
    const left = Math.max(
      this.lockLeftMs(userKey(username, address), failuresMax, lockMs),
      this.lockLeftMs(addressKey(address), failuresMax * ADDRESS_FACTOR, lockMs),
    );
    if (left <= 0) return;
    const seconds = Math.ceil(left / 1000);
    throw new DbError('RATE_LIMITED', `authentication failed too often: try again in ${seconds} s`, {
      retry_after_seconds: seconds,
    });
  }

  failed(username: string, address: string): void {
    const { lockMs } = this.rules();
    this.count(userKey(username, address), lockMs);
    this.count(addressKey(address), lockMs);
  }

  succeeded(username: string, address: string): void {
    this.failures.delete(userKey(username, address));
  }

  private lockLeftMs(key: string, failuresMax: number, lockMs: number): number {
    const found = this.failures.get(key);
    if (found === undefined || found.count < failuresMax) return 0;
    return found.lastMs + lockMs - this.clock.monotonicMs();
  }

  private count(key: string, lockMs: number): void {
    const nowMs = this.clock.monotonicMs();
    const found = this.failures.get(key);
    const isFresh = found !== undefined && nowMs - found.lastMs < lockMs;
    // Set again: a Map keeps the order of insertion, so the first entry is the one that has been quiet for longest.
    this.failures.delete(key);
    this.failures.set(key, { count: isFresh ? found.count + 1 : 1, lastMs: nowMs });
    if (this.failures.size <= ENTRIES_MAX) return;
    const [oldest] = this.failures.keys();
    this.failures.delete(oldest);
  }
}

/** Nobody has a longer name; a flood of long ones must not fill the memory either. */
const NAME_LENGTH_MAX = 64;

const userKey = (username: string, address: string): string =>
  `user ${username.slice(0, NAME_LENGTH_MAX)} ${networkOf(address)}`;
const addressKey = (address: string): string => `address ${networkOf(address)}`;
