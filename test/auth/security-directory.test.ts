import test from 'ava';
import { type NewUser, SecurityDirectory } from '../../src/auth/security-directory.js';
import { decodeSecurity, encodeSecurity, type SecurityContents } from '../../src/auth/security-file.js';

const ROLES = ['admin', 'readonly'];
const ALICE: NewUser = { username: 'alice', role: 'admin', password: 'long enough' };

/** Kept as text, so that whatever is stored has gone through the format. */
function newDirectory() {
  const clock = { ms: Date.UTC(2026, 0, 1), wallMs: () => clock.ms };
  const stored: { text?: string; fails?: boolean } = {};
  const store = {
    read: () => (stored.text === undefined ? undefined : decodeSecurity(stored.text, 'security.json')),
    write: (contents: SecurityContents) => {
      if (stored.fails) throw new Error('disk');
      stored.text = encodeSecurity(contents);
    },
  };
  const open = () => new SecurityDirectory(store, clock, () => ROLES);
  return { clock, stored, open, directory: open() };
}

test('users survive, with their password as argon2id and nothing of it in clear', async (t) => {
  const { directory, stored, open } = newDirectory();
  await directory.createUser(ALICE);
  t.regex(stored.text ?? '', /\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
  t.false(stored.text?.includes(ALICE.password));
  t.deepEqual(open().current, directory.current);
});

test('names, roles and passwords that will not do are refused, and nothing changes', async (t) => {
  const { directory, stored } = newDirectory();
  await directory.createUser(ALICE);
  const before = stored.text;
  const cases: ReadonlyArray<[Partial<NewUser>, string, RegExp]> = [
    [{ username: '' }, 'VALIDATION', /username has 1 to 64/],
    [{ username: 'a b' }, 'VALIDATION', /username/],
    [{ username: 'x'.repeat(65) }, 'VALIDATION', /username/],
    [{ username: 'bob', role: 'boss' }, 'VALIDATION', /no role "boss"; known are admin, readonly/],
    [{ username: 'bob', password: 'short' }, 'VALIDATION', /8 to 1024 characters/],
    [{}, 'CONFLICT', /"alice" exists already/],
  ];
  for (const [change, code, message] of cases)
    await t.throwsAsync(directory.createUser({ ...ALICE, ...change }), { code, message });
  await t.throwsAsync(directory.changeUser('bob', { role: 'admin' }), { code: 'NOT_FOUND' });
  await t.throwsAsync(directory.deleteUser('bob'), { code: 'NOT_FOUND' });
  t.is(stored.text, before);
});

test('a new password and disabling make tokens void, a new role does not', async (t) => {
  const { directory } = newDirectory();
  const { generation } = await directory.createUser(ALICE);
  t.is((await directory.changeUser('alice', { role: 'readonly' })).after.generation, generation);
  const { after } = await directory.changeUser('alice', { password: 'another one' });
  t.not(after.generation, generation);
  const disabled = (await directory.changeUser('alice', { disabled: true })).after;
  t.not(disabled.generation, after.generation);
  t.is((await directory.changeUser('alice', { disabled: false })).after.generation, disabled.generation);
  await directory.deleteUser('alice');
  t.not((await directory.createUser(ALICE)).generation, disabled.generation);
});

test('a change that could not be stored does not hold', async (t) => {
  const { directory, stored } = newDirectory();
  await directory.createUser(ALICE);
  stored.fails = true;
  await t.throwsAsync(directory.changeUser('alice', { role: 'readonly' }), { message: 'disk' });
  t.is(directory.find('alice')?.role, 'admin');
  stored.fails = false;
  await directory.changeUser('alice', { disabled: true });
  t.like(directory.find('alice'), { role: 'admin', disabled: true });
});

test('changes at the same time are made one after the other', async (t) => {
  const { directory } = newDirectory();
  await Promise.all(
    Array.from({ length: 5 }, (_, i) => directory.createUser({ ...ALICE, username: `u${i}` })),
  );
  t.is(directory.current.users.length, 5);
  const twice = await Promise.allSettled([directory.createUser(ALICE), directory.createUser(ALICE)]);
  t.deepEqual(twice.map(({ status }) => status).sort(), ['fulfilled', 'rejected']);
});

test('what a change depends on is looked at when its turn has come', async (t) => {
  const { directory } = newDirectory();
  await directory.createUser(ALICE);
  await directory.createUser({ ...ALICE, username: 'bob' });
  const requireOther = (): void => {
    if (directory.current.users.filter(({ disabled }) => !disabled).length < 2)
      throw new Error('the last one');
  };
  const results = await Promise.allSettled([
    directory.changeUser('alice', { disabled: true, password: 'a new password' }, requireOther),
    directory.deleteUser('bob', requireOther),
  ]);
  t.deepEqual(
    results.map(({ status }) => status),
    ['fulfilled', 'rejected'],
  );
});

test('keys belong to a user, end with the user, and are stored as a hash', async (t) => {
  const { directory, stored, clock } = newDirectory();
  await directory.createUser(ALICE);
  const asked = { name: 'ci', username: 'alice', permissions: undefined, expiresAtMs: undefined };
  const { key, record } = await directory.createApiKey(asked);
  t.false(stored.text?.includes(key));
  const rotated = await directory.rotateApiKey(record.id);
  t.is(rotated.record.id, record.id);
  t.not(rotated.record.hash, record.hash);
  await t.throwsAsync(directory.createApiKey({ ...asked, username: 'bob' }), { code: 'NOT_FOUND' });
  await t.throwsAsync(directory.createApiKey({ ...asked, permissions: ['x'] }), { code: 'VALIDATION' });
  await t.throwsAsync(directory.createApiKey({ ...asked, expiresAtMs: clock.ms }), { code: 'VALIDATION' });
  await directory.deleteUser('alice');
  t.deepEqual(directory.current.apiKeys, []);
});

test('revoked tokens are forgotten once they have expired', async (t) => {
  const { directory, clock } = newDirectory();
  await directory.revokeToken('one', 'alice', clock.ms + 1000);
  clock.ms += 2000;
  await directory.revokeToken('two', 'alice', clock.ms + 1000);
  t.deepEqual(
    directory.current.revokedTokens.map(({ id }) => id),
    ['two'],
  );
});

test('a logout holds also where somebody has used up the room for revoked tokens', async (t) => {
  const { directory, open, stored, clock } = newDirectory();
  const { generation } = await directory.createUser(ALICE);
  const expires_at = new Date(clock.ms + 1000).toISOString();
  const revokedTokens = Array.from({ length: 10_000 }, (_, i) => ({ id: String(i), expires_at }));
  stored.text = encodeSecurity({ ...directory.current, revokedTokens });
  const full = open();
  await full.revokeToken('one more', 'alice', clock.ms + 1000);
  t.not(full.find('alice')?.generation, generation);
  t.is(full.current.revokedTokens.length, 10_000);
});

test('what is no address is refused by name', async (t) => {
  const { directory } = newDirectory();
  for (const address of ['', 'x', '1.2.3', '1.2.3.4/33', '1.2.3.4/', '::/129', '1.2.3.4/8/8', '1.2.3.4/-1'])
    await t.throwsAsync(directory.setBlockedAddresses([address]), {
      code: 'VALIDATION',
      message: /is not an address/,
    });
  await directory.setBlockedAddresses(['1.2.3.4', '::/0', '1.2.3.4']);
  t.deepEqual(directory.current.blockedAddresses, ['1.2.3.4', '::/0']);
});

test('a file that cannot be understood ends the start instead of opening the database', (t) => {
  for (const text of ['', '{', '{}', '{"format_version":2}', '[]'])
    t.throws(() => decodeSecurity(text, 'security.json'), { code: 'CORRUPT_CATALOG' }, text);
});

test('a file whose parts fronts could not use is damaged as well', async (t) => {
  const { directory, stored } = newDirectory();
  await directory.createUser(ALICE);
  await directory.createApiKey({
    name: 'k',
    username: 'alice',
    permissions: ['read:*'],
    expiresAtMs: undefined,
  });
  await directory.revokeToken('one', 'alice', Date.UTC(2027, 0, 1));
  await directory.setBlockedAddresses(['192.0.2.0/24']);
  const text = stored.text ?? '';
  t.notThrows(() => decodeSecurity(text, 'f'));
  const { users } = JSON.parse(text);
  const cases: ReadonlyArray<[string | RegExp, string]> = [
    ['192.0.2.0/24', '192.0.2.0/33'],
    ['"read:*"', '"reed:*"'],
    [/"hash": "../, '"hash": "zz'],
    // A revoked token whose time is none would be forgotten by the next logout.
    ['2027-01-01T00:00:00.000Z', 'soon'],
    ['"users": [', `"users": [${JSON.stringify(users[0])},`],
  ];
  for (const [before, after] of cases) {
    const damaged = text.replace(before, after);
    t.not(damaged, text);
    t.throws(() => decodeSecurity(damaged, 'f'), { code: 'CORRUPT_CATALOG' }, after);
  }
});
