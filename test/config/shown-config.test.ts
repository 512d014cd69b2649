import test from 'ava';
import { isSecretName } from '../../src/base/secret-names.js';
import { secret, text } from '../../src/config/keys.js';
import { valueMessage } from '../../src/config/load.js';
import { defaultConfig, describeConfig } from '../../src/config/schema.js';
import { isSecretField, shownConfig, shownValue, withoutSecrets } from '../../src/config/shown-config.js';

/** They sound like secrets and are none: a duration, and paths of files. */
const LOOKED_AT = ['security.token_ttl_minutes', 'security.tls_key', 'backup.encrypt_key_file'];

test('every key that sounds like a secret is marked as one, or somebody has looked at it', (t) => {
  const keys = describeConfig().flatMap((section) => section.keys);
  const unmarked = keys.filter(({ name, isSecret }) => isSecretName(name) && !isSecret);
  t.deepEqual(
    unmarked.map(({ path }) => path),
    LOOKED_AT,
  );
});

test('the configuration is shown as it is, with what only sounds secret', (t) => {
  const config = defaultConfig();
  t.deepEqual(shownConfig(config), config as object);
  const changed = { ...config, security: { ...config.security, token_ttl_minutes: 5, tls_key: '/k.pem' } };
  t.like(shownConfig(changed), { security: { token_ttl_minutes: 5, tls_key: '/k.pem' } });
});

test('a key that is marked as a secret is hidden, but not that there is none', (t) => {
  const meta = secret(text('', { empty: true }, 'Opens something.')).meta();
  const key = { isSecret: meta?.['isSecret'] === true };
  t.is(shownValue(key, 'open sesame'), '(hidden)');
  t.is(shownValue(key, 4711), '(hidden)');
  t.is(shownValue(key, ''), '');
  t.is(shownValue({ isSecret: false }, 'open sesame'), 'open sesame');
});

test('a wrong value of a secret is not quoted', (t) => {
  const key = describeConfig().flatMap((section) => section.keys)[0];
  t.regex(valueMessage(key, key.path, 4711), /got 4711$/);
  t.notRegex(valueMessage({ ...key, isSecret: true }, key.path, 4711), /4711/);
});

test('a password in a URL is hidden wherever the URL is shown', (t) => {
  const config = defaultConfig();
  const endpoint = 'https://ann:open-sesame@s3.example.com:9000/x';
  const shown = shownConfig({ ...config, 'backup.s3': { ...config['backup.s3'], endpoint } });
  t.is(shown['backup.s3']?.['endpoint'], 'https://ann:(hidden)@s3.example.com:9000/x');
  t.deepEqual(withoutSecrets({ LUMADB_BACKUP_S3__ENDPOINT: endpoint, LUMADB_CA: '/ca.pem' }), {
    LUMADB_BACKUP_S3__ENDPOINT: 'https://ann:(hidden)@s3.example.com:9000/x',
    LUMADB_CA: '/ca.pem',
  });
});

test('a field goes by the schema where it is a setting, else by its name', (t) => {
  for (const name of ['security.tls_key', 'LUMADB_SECURITY__TLS_KEY', 'tls_key', 'token_ttl_minutes'])
    t.false(isSecretField(name, 'x'), name);
  for (const name of ['LUMADB_TOKEN', 'LUMADB_SECURITY__TOKEN', 'security.signing_key', 'ssl_key'])
    t.true(isSecretField(name, 'x'), name);
});
