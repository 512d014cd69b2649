/** Addresses and networks as texts (192.0.2.7, 192.0.2.0/24) and as what can be asked. Pure. */
import { BlockList, isIP } from 'node:net';
import { DbError } from '../base/errors.js';
import { parseNetwork } from '../base/ip-address.js';

/** Throws DbError VALIDATION that names the one that is no address. */
export function blockListOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const network = parseNetwork(text);
    if (network === undefined) {
      const message = `${JSON.stringify(text)} is not an address (192.0.2.7) or a network (192.0.2.0/24)`;
      throw new DbError('VALIDATION', message, { field: 'addresses' });
    }
    const { address, bits, family } = network;
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, bits, family);
  }
  return list;
}

/** False for what is no address: a connection that is gone already has none. */
export function isListed(list: BlockList, address: string): boolean {
  const version = isIP(address);
  return version !== 0 && list.check(address, version === 6 ? 'ipv6' : 'ipv4');
}
