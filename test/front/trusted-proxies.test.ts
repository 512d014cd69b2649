import test from 'ava';
import { TrustedProxies } from '../../src/front/trusted-proxies.js';

const proxies = new TrustedProxies(['10.0.0.0/8', '192.0.2.7', '2001:db8:ffff::/48']);
const PROXY = '10.0.0.1';
const STRANGER = '203.0.113.5';

/** A request with these lines of X-Forwarded-For, among others. */
const request = (...lines: string[]) => ({
  forEach(each: (name: string, value: string) => void): void {
    each('host', '198.51.100.1');
    for (const line of lines) each('x-forwarded-for', line);
    each('x-forwarded-host', '198.51.100.2');
  },
});
const client = (peer: string, ...lines: string[]): string => proxies.clientOf(peer, request(...lines));

test('a peer that is not trusted is the client, whatever it says', (t) => {
  t.is(client(STRANGER, '198.51.100.9'), STRANGER);
  t.is(client(STRANGER, `198.51.100.9, ${PROXY}`), STRANGER);
  t.is(client('192.0.2.8', '198.51.100.9'), '192.0.2.8');
  t.is(client('', '198.51.100.9'), '', 'a connection that is gone');
});

test('a trusted peer is believed, and is the client itself when it says nothing', (t) => {
  t.is(client(PROXY, STRANGER), STRANGER);
  t.is(client('192.0.2.7', STRANGER), STRANGER);
  t.is(client(PROXY), PROXY);
  t.is(client(PROXY, ''), PROXY);
});

test('of several hops the last that is not trusted is the client: what is before it, anybody can have written', (t) => {
  t.is(client(PROXY, `198.51.100.9, ${STRANGER}`), STRANGER);
  t.is(client(PROXY, `198.51.100.9, ${STRANGER}, 10.1.2.3, 192.0.2.7`), STRANGER);
  t.is(client(PROXY, `10.9.9.9, ${STRANGER}, 10.1.2.3`), STRANGER, 'a forged proxy before the client');
});

test('a proxy that adds a line of its own below that of the client is read as one that appends', (t) => {
  t.is(client(PROXY, '198.51.100.9', STRANGER), STRANGER);
  t.is(client(PROXY, '198.51.100.9', `${STRANGER}, 10.1.2.3`), STRANGER);
  t.is(client(PROXY, '', STRANGER), STRANGER);
});

test('where all hops are trusted the farthest is the client', (t) => {
  t.is(client(PROXY, '10.3.3.3, 10.2.2.2'), '10.3.3.3');
});

test('what cannot be read ends the search at the proxy that said it', (t) => {
  for (const text of [
    'unknown',
    '_hidden',
    '1.2.3',
    '1.2.3.4.5',
    '<script>',
    'fe80::1%eth0',
    ',',
    '1.2.3.4:x',
    '[1.2',
  ])
    t.is(client(PROXY, text), PROXY, text);
  t.is(client(PROXY, `198.51.100.9, unknown, 10.1.2.3`), '10.1.2.3');
  t.is(client(PROXY, `${STRANGER}, `), PROXY);
  t.is(client(PROXY, `unknown, ${STRANGER}`), STRANGER);
});

test('IPv6 clients and proxies are known in every way of writing, ports are dropped', (t) => {
  const full = '2001:0db8:0000:0000:0000:0000:0000:0001';
  t.is(client(PROXY, '2001:DB8::1'), full);
  t.is(client(PROXY, '[2001:db8::1]:4711'), full);
  t.is(client(PROXY, '[2001:db8::1]'), full);
  t.is(client(PROXY, `${STRANGER}:4711`), STRANGER);
  t.is(client(PROXY, `::ffff:${STRANGER}`), STRANGER);
  t.is(client('2001:0db8:ffff:0000:0000:0000:0000:0002', '2001:db8::1, 2001:db8:ffff::3'), full);
  t.is(
    client('2001:0db8:fffe:0000:0000:0000:0000:0002', '2001:db8::1'),
    '2001:0db8:fffe:0000:0000:0000:0000:0002',
  );
  t.is(client(PROXY, '2001:db8::1, ::ffff:10.1.1.1'), full, 'a proxy by its address within IPv6');
});
