import test from 'ava';
import { Lockout } from '../../src/auth/lockout.js';

const RULES = { failuresMax: 3, lockMs: 60_000 };

function newLockout() {
  const clock = { ms: 0, monotonicMs: () => clock.ms };
  return { clock, lockout: new Lockout(() => RULES, clock) };
}

const LOCKED = { code: 'RATE_LIMITED', message: /try again in \d+ s/ };

test('a user is locked at an address after some failures, until the time is over', (t) => {
  const { clock, lockout } = newLockout();
  for (let i = 0; i < 3; i++) {
    t.notThrows(() => lockout.require('alice', '192.0.2.1'));
    lockout.failed('alice', '192.0.2.1');
  }
  t.throws(() => lockout.require('alice', '192.0.2.1'), LOCKED);
  t.notThrows(() => lockout.require('alice', '192.0.2.2'), 'nobody can lock out alice from elsewhere');
  t.notThrows(() => lockout.require('bob', '192.0.2.1'));
  clock.ms = 60_001;
  t.notThrows(() => lockout.require('alice', '192.0.2.1'));
});

test('a login forgets the failures before it', (t) => {
  const { lockout } = newLockout();
  lockout.failed('alice', 'a');
  lockout.failed('alice', 'a');
  lockout.succeeded('alice', 'a');
  lockout.failed('alice', 'a');
  t.notThrows(() => lockout.require('alice', 'a'));
});

test('an address that tries many users is locked for all', (t) => {
  const { lockout } = newLockout();
  for (let i = 0; i < 12; i++) lockout.failed(`user-${i}`, '192.0.2.1');
  t.throws(() => lockout.require('somebody', '192.0.2.1'), LOCKED);
  t.notThrows(() => lockout.require('somebody', '192.0.2.2'));
});

test('an IPv6 address stands for its /64: there are more of them than anybody can lock', (t) => {
  const { lockout } = newLockout();
  for (let i = 0; i < 3; i++) lockout.failed('alice', `2001:0db8:0000:0001:0000:0000:0000:000${i}`);
  t.throws(() => lockout.require('alice', '2001:0db8:0000:0001:ffff:0000:0000:0000'), LOCKED);
  t.notThrows(() => lockout.require('alice', '2001:0db8:0000:0002:0000:0000:0000:0000'));
});

test('failures long ago do not add up', (t) => {
  const { clock, lockout } = newLockout();
  for (let i = 0; i < 10; i++) {
    lockout.failed('alice', 'a');
    clock.ms += 60_001;
  }
  t.notThrows(() => lockout.require('alice', 'a'));
});
