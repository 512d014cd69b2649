/**
 * Whether the Host of a request is a name that somebody out in the DNS could have given to this machine. A page of evil.example
 * whose name its owner points at 127.0.0.1 after it was loaded (DNS rebinding) is, to the browser, a page of ours: it may read what
 * we answer, and sends no Origin with a GET. It cannot hide its name, though. Pure.
 */
import { isIP } from 'node:net';

/** `host`: the header. Addresses, localhost, and names without a dot, which no stranger can own, are not foreign. */
export function isForeignHost(host: string): boolean {
  if (host.startsWith('[')) return false;
  const colon = host.indexOf(':');
  const name = (colon < 0 ? host : host.slice(0, colon)).toLowerCase().replace(/\.$/, '');
  return name.includes('.') && isIP(name) === 0 && !name.endsWith('.localhost');
}
