import test from 'ava';
import { checkExposure, isLoopback } from '../../src/config/exposure.js';
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

test('a host beyond loopback is refused unless somebody says insecure', (t) => {
  t.notThrows(() => checkExposure(listeningOn('127.0.0.1')));
  t.notThrows(() => checkExposure(listeningOn('0.0.0.0', true)));
  t.throws(() => checkExposure(listeningOn('0.0.0.0')), {
    code: 'CONFIG',
    message: /no users exist yet.*--insecure/s,
  });
});

test('authentication that cannot be enforced is refused, not ignored', (t) => {
  const config: Config = { ...listeningOn('127.0.0.1', true), security: { require_auth: true } };
  t.throws(() => checkExposure(config), { code: 'CONFIG', message: /no users/ });
});
