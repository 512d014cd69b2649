import test from 'ava';
import { checkExposure, isLoopback, requiresLogin } from '../../src/config/exposure.js';
import { type Config, defaultConfig } from '../../src/config/schema.js';

function listeningOn(host: string, insecure = false): Config {
  const config = defaultConfig();
  return { ...config, server: { ...config.server, host, insecure } };
}

test('loopback is known in the spellings people use', (t) => {
  for (const host of [
    '127.0.0.1',
    '127.1.2.3',
    '::1',
    '[::1]',
    'localhost',
    'LOCALHOST',
    '::ffff:127.0.0.1',
  ]) {
    t.true(isLoopback(host), host);
  }
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.evil.com',
    'localhost.evil.com',
    '128.0.0.1',
    '',
  ]) {
    t.false(isLoopback(host), host);
  }
});

const withAuth = (config: Config, require_auth: Config['security']['require_auth']): Config => ({
  ...config,
  security: { ...config.security, require_auth },
});

test('a host beyond loopback is refused without a user, unless somebody says insecure', (t) => {
  t.notThrows(() => checkExposure(listeningOn('127.0.0.1'), 0));
  t.notThrows(() => checkExposure(listeningOn('0.0.0.0', true), 0));
  t.notThrows(() => checkExposure(listeningOn('0.0.0.0'), 1));
  t.throws(() => checkExposure(listeningOn('0.0.0.0'), 0), {
    code: 'CONFIG',
    message: /there is no user.*lumadb user create.*--insecure/s,
  });
});

test('a host beyond loopback without any login is refused, unless somebody says insecure', (t) => {
  t.throws(() => checkExposure(withAuth(listeningOn('0.0.0.0'), false), 1), {
    code: 'CONFIG',
    message: /require_auth = false/,
  });
  t.notThrows(() => checkExposure(withAuth(listeningOn('0.0.0.0', true), false), 0));
});

test('a login is required beyond loopback, and where the configuration says so', (t) => {
  t.false(requiresLogin(listeningOn('127.0.0.1'), 5));
  t.true(requiresLogin(listeningOn('0.0.0.0'), 5));
  t.true(requiresLogin(listeningOn('0.0.0.0', true), 1), 'a user protects what was open');
  t.false(requiresLogin(listeningOn('0.0.0.0', true), 0));
  t.true(requiresLogin(withAuth(listeningOn('127.0.0.1'), true), 0));
  t.false(requiresLogin(withAuth(listeningOn('127.0.0.1'), false), 5));
});

test('with "auto" a trusted proxy makes logins necessary, also on loopback', (t) => {
  const config = listeningOn('127.0.0.1');
  t.false(requiresLogin(config, 1));
  const proxied = { ...config, server: { ...config.server, trusted_proxies: ['127.0.0.1'] } };
  t.true(requiresLogin(proxied, 0));
  t.true(requiresLogin(proxied, 1));
  t.false(requiresLogin(withAuth(proxied, false), 1));
});

test('behind a trusted proxy a server on loopback is refused without logins, like one beyond it', (t) => {
  const config = listeningOn('127.0.0.1');
  const proxied = { ...config, server: { ...config.server, trusted_proxies: ['127.0.0.1'] } };
  const message =
    /refusing to serve others through server\.trusted_proxies on 127\.0\.0\.1 .*require_auth = false/;
  t.throws(() => checkExposure(withAuth(proxied, false), 1), { code: 'CONFIG', message });
  t.notThrows(() => checkExposure(proxied, 0), 'the CLI makes the first user');
  const insecure = { ...proxied, server: { ...proxied.server, insecure: true } };
  t.notThrows(() => checkExposure(withAuth(insecure, false), 0));
});
