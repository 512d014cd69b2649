import test from 'ava';
import { isForeignHost } from '../../src/front/foreign-host.js';

test('names that a stranger can point at this machine are foreign, with any port and in any case', (t) => {
  for (const host of [
    'evil.example',
    'evil.example:8080',
    'Evil.Example.',
    'a.127.0.0.1.nip.io',
    '127.0.0.1.evil.example:80',
  ])
    t.true(isForeignHost(host), host);
});

test('addresses, localhost and names without a dot are not', (t) => {
  for (const host of [
    '',
    '127.0.0.1',
    '127.0.0.1:8080',
    '[::1]:8080',
    'localhost',
    'LOCALHOST:1',
    'db.localhost:80',
    'db',
    'db:8080',
  ])
    t.false(isForeignHost(host), host);
});
