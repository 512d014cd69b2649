/**
 * Addresses of clients. To ask uWS for one costs about 3 µs (it makes an ArrayBuffer each time), a fifth of a small GET, and its
 * objects do not tell one connection from another. While all open connections come from one address (a proxy, one application
 * server), that one is known without asking. Front thread only.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { plainAddress } from '../base/ip-address.js';

export class PeerAddresses {
  private open = 0;
  /** Of all connections since there were none; undefined once there are several. */
  private only: string | undefined = '';

  /** With each new connection; its address. */
  opened(res: HttpResponse): string {
    const address = askedAddress(res);
    if (this.open++ === 0) this.only = address;
    else if (this.only !== address) this.only = undefined;
    return address;
  }

  closed(): void {
    this.open--;
  }

  of(res: HttpResponse): string {
    return this.only ?? askedAddress(res);
  }
}

/** As text; IPv4 addresses as such also where the socket speaks IPv6. */
export function askedAddress(of: { getRemoteAddressAsText(): ArrayBuffer }): string {
  return plainAddress(Buffer.from(of.getRemoteAddressAsText()).toString('latin1'));
}
