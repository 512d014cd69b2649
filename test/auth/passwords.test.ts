import test from 'ava';
import { hashPassword, PasswordChecker } from '../../src/auth/passwords.js';

const free = (address: string) => ({ address, requireTry: () => {} });

test('a password is right or wrong, and nobody has one without a user', async (t) => {
  const checker = new PasswordChecker();
  const stored = await hashPassword('right one');
  t.true(await checker.isRight(stored, 'right one', free('a')));
  t.false(await checker.isRight(stored, 'wrong one', free('a')));
  t.false(await checker.isRight(undefined, 'nobody has this password', free('a')));
});

test('whether a try is allowed is asked when its turn comes, not when it came', async (t) => {
  const checker = new PasswordChecker();
  const stored = await hashPassword('right one');
  let failures = 0;
  const caller = {
    address: 'a',
    requireTry: () => {
      if (failures >= 2) throw new Error('locked');
    },
  };
  const tries = Array.from({ length: 16 }, () =>
    checker.isRight(stored, 'wrong one', caller).then(() => {
      failures++;
    }),
  );
  await Promise.allSettled(tries);
  // Two run at once, so one more may have begun before the second had failed.
  t.true(failures <= 3, `${failures} were tried`);
});

test('one address cannot take all places of those who wait', async (t) => {
  const checker = new PasswordChecker();
  const stored = await hashPassword('right one');
  const flood = Array.from({ length: 60 }, () => checker.isRight(stored, 'wrong one', free('flood')));
  const other = checker.isRight(stored, 'right one', free('other'));
  const refused = (await Promise.allSettled(flood)).filter(({ status }) => status === 'rejected');
  t.is(refused.length, 60 - 16 - 2);
  t.true(await other);
});
