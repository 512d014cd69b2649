/**
 * Addresses and networks of IP as texts. An address has one form by which it is compared and counted: IPv4 as usual, IPv6 in
 * full, as uWS writes it (2001:0db8:0000:0000:0000:0000:0000:0001), and IPv4 within IPv6 as IPv4. Pure functions.
 */
import { isIP } from 'node:net';

export interface IpNetwork {
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  /** Undefined: this one address. */
  readonly bits: number | undefined;
}

/** `192.0.2.7`, `192.0.2.0/24`, `2001:db8::/32`; undefined when it is neither an address nor a network. */
export function parseNetwork(text: string): IpNetwork | undefined {
  const [address, bits, more] = text.split('/');
  const version = isIP(address);
  // A zone (fe80::1%eth0) would be ignored.
  if (version === 0 || more !== undefined || address.includes('%')) return undefined;
  const bitsMax = version === 4 ? 32 : 128;
  if (bits !== undefined && !(/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax)) return undefined;
  return {
    address,
    family: version === 4 ? 'ipv4' : 'ipv6',
    bits: bits === undefined ? undefined : Number(bits),
  };
}

/** Undefined when it is no address, or one with a zone (fe80::1%eth0), which means something on one machine only. */
export function normalAddress(text: string): string | undefined {
  const version = isIP(text);
  if (version === 4) return text;
  return version === 6 && !text.includes('%') ? plainAddress(inFull(text.toLowerCase())) : undefined;
}

/** Of an IPv6 address in full: IPv4 as such. */
export function plainAddress(text: string): string {
  const mapped = /^0000:0000:0000:0000:0000:ffff:([0-9a-f]{2})([0-9a-f]{2}):([0-9a-f]{2})([0-9a-f]{2})$/.exec(
    text,
  );
  return mapped === null
    ? text
    : mapped
        .slice(1)
        .map((byte) => Number.parseInt(byte, 16))
        .join('.');
}

const GROUPS = 8;

/** Of a valid IPv6 address. */
function inFull(text: string): string {
  const [before, after] = text.split('::').map(groupsOf);
  const zeros = after === undefined ? [] : Array(GROUPS - before.length - after.length).fill('0');
  return [...before, ...zeros, ...(after ?? [])].map((group) => group.padStart(4, '0')).join(':');
}

/** The end may be written as IPv4: ::ffff:192.0.2.7. */
function groupsOf(part: string): string[] {
  if (part === '') return [];
  return part.split(':').flatMap((group) => {
    if (!group.includes('.')) return [group];
    const [a, b, c, d] = group.split('.').map(Number);
    return [(a * 256 + b).toString(16), (c * 256 + d).toString(16)];
  });
}
