import test from 'ava';
import { isSecretName } from '../../src/base/secret-names.js';
import { Redactor } from '../../src/cli/diagnose/redactor.js';

const redactor = (known: unknown = {}): Redactor => {
  const made = new Redactor();
  made.learn(known);
  return made;
};
const json = (value: unknown, known: unknown = {}): unknown =>
  JSON.parse(redactor(known).json(JSON.stringify(value)));

test('names that sound like secrets are known in every way of writing', (t) => {
  for (const name of [
    'password',
    'admin_password',
    'DB_PASS',
    'PGPASSWORD',
    'clientSecret',
    'token_file',
    'X-API-Key',
    'apiKey',
    'private_key',
    'LUMADB_SIGNING_KEY',
    'AWS_ACCESS_KEY_ID',
    'key_material',
    'tls_key_file',
    'Authorization',
    'session-cookie',
  ])
    t.true(isSecretName(name), name);
  for (const name of [
    'key',
    'key_hex',
    'key_bytes',
    'bloom_bits_per_key',
    'compass',
    'passes',
    'host',
    'PATH',
  ])
    t.false(isSecretName(name), name);
});

test('what is measured of secrets is none, in JSON, text and the environment', (t) => {
  t.deepEqual(json({ token_ttl: 60, tokens_max: '128', password_min: 'x', secret_limit: 12345678901 }), {
    token_ttl: 60,
    tokens_max: '128',
    password_min: '(hidden)',
    secret_limit: '(hidden)',
  });
  t.is(
    redactor().text('token_ttl_minutes = 60 tokens_max=4711a'),
    'token_ttl_minutes = 60 tokens_max=(hidden)',
  );
});

test('settings of ours are hidden as the schema says, whatever their names sound like', (t) => {
  const shown = {
    security: { token_ttl_minutes: 60, tls_key: '/etc/lumadb/tls.key' },
    LUMADB_SECURITY__TLS_KEY: '/etc/lumadb/tls.key',
    change: { key: 'security.token_ttl_minutes', before: 720, after: 60 },
  };
  t.deepEqual(json(shown, shown), shown);
  t.deepEqual(json({ security: { tls_key: '-----BEGIN PRIVATE KEY-----\nabc' } }), {
    security: { tls_key: '(hidden)' },
  });
});

test('a value under a secret name is hidden whatever it is, and only that', (t) => {
  const shown = json({
    server: { host: 'h', auth_token: 'abc', tokens: ['a', { b: 1 }], has_password: true, password: null },
    port: 1,
  });
  t.deepEqual(shown, {
    server: {
      host: 'h',
      auth_token: '(hidden)',
      tokens: '(hidden)',
      has_password: true,
      password: null,
    },
    port: 1,
  });
});

test('a change of a secret setting is told without its values', (t) => {
  t.deepEqual(json({ key: 'security.token', before: 'a', after: 'b', effect: 'live' }), {
    key: 'security.token',
    before: '(hidden)',
    after: '(hidden)',
    effect: 'live',
  });
});

test('what is known to be a secret is hidden wherever it occurs, in every form', (t) => {
  const secret = 'ro"se bud/4711';
  const known = { deep: [{ test_secret: secret, other: 'harmless-value' }] };
  const shown = redactor(known);
  const base64 = Buffer.from(secret).toString('base64');
  const text = `a ${secret} b ${encodeURIComponent(secret)} c ${JSON.stringify(secret)} d ${base64} harmless-value`;
  t.is(shown.text(text), 'a (hidden) b (hidden) c "(hidden)" d (hidden) harmless-value');
  t.deepEqual(json({ [secret]: [secret, `x${secret}`] }, known), { '(hidden)': ['(hidden)', 'x(hidden)'] });
  t.deepEqual(json({ n: 1234567890 }, { pin_secret: 1234567890 }), { n: '(hidden)' });
});

test('short words and numbers are not taken out of everything', (t) => {
  const known = { TOKENS_MAX: '128000', secret_mode: 'none', token_ttl: 3600, password: '' };
  t.is(redactor(known).text('none of 128000 in 3600'), 'none of 128000 in 3600');
});

test('secrets in running text are hidden in their usual forms', (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['INFO login password=hunter2 user=x', 'INFO login password=(hidden) user=x'],
    ['{password: "a b", n: 1}', '{password: (hidden), n: 1}'],
    ["ALTER USER x PASSWORD 'it''s me'; SELECT 1", 'ALTER USER x PASSWORD (hidden); SELECT 1'],
    ["where t.secret = 'it''s me' and a = 'b'", "where t.secret = (hidden) and a = 'b'"],
    ['Authorization: Bearer abcdef.123-x', 'Authorization: (hidden) (hidden)'],
    ['postgres://user:pw@host/db', 'postgres://user:(hidden)@host/db'],
    ['http://user:p@ss:w@rd@host/db', 'http://user:(hidden)@host/db'],
    ['smtp://ann@example.com:pw@host', 'smtp://ann@example.com:(hidden)@host'],
    ['http://git@host:80/a http://host:80/b@c', 'http://git@host:80/a http://host:80/b@c'],
    ['x eyJhbGciOiJI.eyJzdWIiOiIx.c2lnbmF0dXJl y', 'x (hidden) y'],
    ['{\\"api_key\\": \\"abc\\"}', '{\\"api_key\\": (hidden)}'],
    ['-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nnext', '(hidden)\nnext'],
    ['nothing here: a=1, b: 2', 'nothing here: a=1, b: 2'],
  ];
  for (const [text, expected] of cases) t.is(redactor().text(text), expected);
});

test('lines of JSON stay lines of JSON, and what is no JSON is redacted as text', (t) => {
  const log = '{"msg":"x","token":"abc"}\nplain password=abc\n{"cut": "tok';
  t.is(redactor().text(log), '{"msg":"x","token":"(hidden)"}\nplain password=(hidden)\n{"cut": "tok');
  t.is(redactor().json('{"token": "abc", '), '{"token": (hidden), ');
});

test('a long line without blanks takes time in proportion to its length', (t) => {
  const start = performance.now();
  redactor().text(`password${'a'.repeat(1_000_000)} ${'token'.repeat(100_000)} ${'a-b.'.repeat(200_000)}`);
  t.true(performance.now() - start < 10_000);
});
