import test from 'ava';
import jsonwebtoken from 'jsonwebtoken';
import { hashOfSecret, newApiKey } from '../../src/auth/api-key.js';
import { Authenticator, type SecuritySnapshot } from '../../src/auth/authenticator.js';
import { signToken } from '../../src/auth/tokens.js';

const KEY = Buffer.alloc(32, 7);
const NOW = Date.UTC(2026, 0, 1);
const HOUR = 3_600_000;
const LOCAL = 'local-token-of-this-machine';

function snapshot(changes: Partial<SecuritySnapshot> = {}): SecuritySnapshot {
  return {
    isRequired: true,
    isLoopback: true,
    users: [{ name: 'alice', role: 'developer', generation: 'g1' }],
    apiKeys: [],
    roles: { developer: ['read:*'] },
    revokedTokens: [],
    blockedAddresses: [],
    signingKey: KEY,
    localTokenHash: hashOfSecret(LOCAL),
    ...changes,
  };
}

const authenticator = (changes?: Partial<SecuritySnapshot>, clock = { ms: NOW }) =>
  new Authenticator(snapshot(changes), () => clock.ms);
const token = (changes: { generation?: string; username?: string; tokenId?: string } = {}) =>
  signToken(
    KEY,
    { username: 'alice', generation: 'g1', tokenId: 't1', expiresAtMs: NOW + HOUR, ...changes },
    NOW,
  );

test('a token gives its user with the permissions of the role, until it expires', (t) => {
  const clock = { ms: NOW };
  const auth = authenticator({}, clock);
  const session = auth.session(`Bearer ${token()}`, '');
  t.like(session, { name: 'alice', role: 'developer', kind: 'token', tokenId: 't1' });
  t.true(session?.allows('read', 'orders'));
  t.false(session?.allows('write', 'orders'));
  t.is(auth.session(`Bearer ${token()}`, ''), session, 'remembered');
  clock.ms = NOW + HOUR + 1;
  t.is(auth.session(`Bearer ${token()}`, ''), undefined);
  t.regex(auth.reason, /expired/);
});

test('tokens that we have not signed so are refused', (t) => {
  const auth = authenticator();
  const claims = { sub: 'alice', gen: 'g1', jti: 't1', iss: 'lumadb', exp: NOW / 1000 + 3600 };
  const none = `${Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.`;
  const forged = [
    none,
    none.slice(0, -1),
    jsonwebtoken.sign(claims, Buffer.alloc(32, 8)),
    jsonwebtoken.sign(claims, KEY, { algorithm: 'HS512' }),
    jsonwebtoken.sign({ ...claims, iss: 'other' }, KEY),
    jsonwebtoken.sign({ ...claims, sub: undefined }, KEY),
    `${token().slice(0, -4)}AAAA`,
    '',
    'x',
    'a.b.c',
    'x'.repeat(5000),
  ];
  for (const text of forged) t.is(auth.session(`Bearer ${text}`, ''), undefined, text.slice(0, 80));
  t.is(auth.session(token(), ''), undefined, 'without Bearer');
  t.is(auth.session(`Basic ${token()}`, ''), undefined);
});

test('a token ends with its revocation, its user and the generation of its user', (t) => {
  const shown = `Bearer ${token()}`;
  t.truthy(authenticator().session(shown, ''));
  t.is(authenticator({ revokedTokens: ['t1'] }).session(shown, ''), undefined);
  t.is(authenticator({ users: [] }).session(shown, ''), undefined);
  const renewed = [{ name: 'alice', role: 'developer', generation: 'g2' }];
  t.is(authenticator({ users: renewed }).session(shown, ''), undefined);
});

test('an API key gives what both its user and its scope allow', (t) => {
  const { id, key, hash } = newApiKey();
  const record = { id, user: 'alice', permissions: ['read:o*', 'write:*'], hash, expiresAtMs: NOW + HOUR };
  const clock = { ms: NOW };
  const auth = authenticator({ apiKeys: [record] }, clock);
  const session = auth.session('', key);
  t.like(session, { name: 'alice', kind: 'api-key' });
  t.true(session?.allows('read', 'orders'));
  t.false(session?.allows('read', 'users'), 'beyond its scope');
  t.false(session?.allows('write', 'orders'), 'beyond its user');
  t.truthy(auth.session(`Bearer ${key}`, ''), 'as a bearer token too');
  t.is(auth.session('', `${key.slice(0, -1)}${key.endsWith('A') ? 'B' : 'A'}`), undefined);
  t.is(authenticator({ apiKeys: [record], users: [] }).session('', key), undefined, 'its user is disabled');
  clock.ms = NOW + HOUR + 1;
  t.is(auth.session('', key), undefined, 'expired');
});

test('the local token may do everything', (t) => {
  const session = authenticator().session(`Bearer ${LOCAL}`, '');
  t.like(session, { kind: 'local' });
  t.true(session?.allows('admin', 'users'));
  t.is(authenticator().session('Bearer local-token-of-another', ''), undefined);
});

test('who shows nothing is trusted only where no login is required; wrong credentials never are', (t) => {
  t.is(authenticator().session('', ''), undefined);
  const open = authenticator({ isRequired: false });
  t.like(open.session('', ''), { kind: 'trusted' });
  t.is(open.session('Bearer x', ''), undefined);
  t.false(open.session(`Bearer ${token()}`, '')?.allows('write', 'orders'), 'a user stays what it is');
});

test('a user whose role is gone may do nothing', (t) => {
  const session = authenticator({ roles: {} }).session(`Bearer ${token()}`, '');
  t.false(session?.allows('read', 'orders'));
});

test('blocked addresses and networks are known, of both kinds', (t) => {
  const auth = authenticator({ blockedAddresses: ['192.0.2.7', '198.51.100.0/24', '2001:db8::/32'] });
  for (const address of ['192.0.2.7', '198.51.100.200', '2001:0db8:0000:0000:0000:0000:0000:0001'])
    t.true(auth.isBlocked(address), address);
  for (const address of ['192.0.2.8', '198.51.101.1', '2001:0db9:0000:0000:0000:0000:0000:0001'])
    t.false(auth.isBlocked(address), address);
});
