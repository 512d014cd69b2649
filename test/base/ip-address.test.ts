import test from 'ava';
import { normalAddress, parseNetwork } from '../../src/base/ip-address.js';

test('an address has one form, whatever way it is written', (t) => {
  const cases: ReadonlyArray<readonly [string, string]> = [
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8::1', '2001:0db8:0000:0000:0000:0000:0000:0001'],
    ['2001:DB8:0:0:0:0:0:1', '2001:0db8:0000:0000:0000:0000:0000:0001'],
    ['::', '0000:0000:0000:0000:0000:0000:0000:0000'],
    ['::1', '0000:0000:0000:0000:0000:0000:0000:0001'],
    ['fe80::', 'fe80:0000:0000:0000:0000:0000:0000:0000'],
    ['1:2:3:4:5:6:7::', '0001:0002:0003:0004:0005:0006:0007:0000'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['::ffff:c000:207', '192.0.2.7'],
    ['64:ff9b::192.0.2.7', '0064:ff9b:0000:0000:0000:0000:c000:0207'],
  ];
  for (const [text, normal] of cases) t.is(normalAddress(text), normal, text);
});

test('what is no address has no form', (t) => {
  for (const text of [
    '',
    'unknown',
    '192.0.2',
    '192.0.2.07',
    '192.0.2.256',
    ':::',
    '1::2::3',
    'fe80::1%eth0',
    '[::1]',
  ])
    t.is(normalAddress(text), undefined, text);
});

test('a network is an address with as many bits as its family has, or fewer', (t) => {
  t.deepEqual(parseNetwork('192.0.2.7'), { address: '192.0.2.7', family: 'ipv4', bits: undefined });
  t.deepEqual(parseNetwork('192.0.2.0/24'), { address: '192.0.2.0', family: 'ipv4', bits: 24 });
  t.deepEqual(parseNetwork('2001:db8::/128'), { address: '2001:db8::', family: 'ipv6', bits: 128 });
  for (const text of [
    '192.0.2.0/33',
    '2001:db8::/129',
    '192.0.2.0/',
    '192.0.2.0/-1',
    '192.0.2.0/24/1',
    'host/24',
    'fe80::1%eth0',
    'fe80::%eth0/64',
  ])
    t.is(parseNetwork(text), undefined, text);
});
