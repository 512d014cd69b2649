/**
 * Whom a request comes from when it comes through proxies: X-Forwarded-For, to which each proxy appends the address that it was
 * called from. Anybody can send that header, so it is read from the right, and only as far as the addresses are those of
 * `server.trusted_proxies`. Front thread only; there is none of these while no proxy is trusted.
 */

import type { HttpRequest } from 'uWebSockets.js';
import type { BlockList } from 'node:net';
import { blockListOf, isListed } from '../auth/block-list.js';
import { normalAddress } from '../base/ip-address.js';

const FORWARDED_FOR = 'x-forwarded-for';

export class TrustedProxies {
  private readonly trusted: BlockList;

  /** Addresses and networks. Throws DbError VALIDATION. */
  constructor(networks: readonly string[]) {
    this.trusted = blockListOf(networks);
  }

  /** `peer`: the address at the other end of the connection. */
  clientOf(peer: string, request: Pick<HttpRequest, 'forEach'>): string {
    return this.isTrusted(peer) ? this.forwardedClient(peer, forwardedFor(request)) : peer;
  }

  /**
   * The last address, from the right, that is not that of a proxy; the farthest proxy where all are, or where what one of them
   * says cannot be read.
   */
  private forwardedClient(peer: string, forwarded: string): string {
    const hops = forwarded === '' ? [] : forwarded.split(',');
    let client = peer;
    for (let i = hops.length - 1; i >= 0 && this.isTrusted(client); i--) {
      const hop = addressOfHop(hops[i]);
      if (hop === undefined) return client;
      client = hop;
    }
    return client;
  }

  private isTrusted(address: string): boolean {
    return isListed(this.trusted, address);
  }
}

/** All lines of the header: some proxies add a line of their own below that of the client, and uWS would give the first only. */
function forwardedFor(request: Pick<HttpRequest, 'forEach'>): string {
  let lines: string | undefined;
  request.forEach((name, value) => {
    if (name === FORWARDED_FOR) lines = lines === undefined ? value : `${lines},${value}`;
  });
  return lines ?? '';
}

/** Some proxies write the port as well: 192.0.2.7:4711, [2001:db8::1]:4711. Undefined when it is no address. */
function addressOfHop(text: string): string | undefined {
  const hop = text.trim();
  const bare = /^\[([^\]]*)\](?::\d{1,5})?$/.exec(hop) ?? /^(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}$/.exec(hop);
  return normalAddress(bare?.[1] ?? hop);
}
