/** Addresses and networks that are kept out, as texts (192.0.2.7, 192.0.2.0/24) and as what can be asked. Pure. */
import { BlockList, isIP } from 'node:net';
import { DbError } from '../base/errors.js';

/** Throws DbError VALIDATION that names the one that is no address. */
export function blockListOf(addresses: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of addresses) {
    const [address, bits, more] = text.split('/');
    const version = isIP(address);
    const family = version === 4 ? 'ipv4' : 'ipv6';
    const bitsMax = version === 4 ? 32 : 128;
    const isNetwork = bits !== undefined;
    const isFine =
      version !== 0 &&
      more === undefined &&
      (!isNetwork || (/^\d{1,3}$/.test(bits) && Number(bits) <= bitsMax));
    if (!isFine) {
      const message = `${JSON.stringify(text)} is not an address (192.0.2.7) or a network (192.0.2.0/24)`;
      throw new DbError('VALIDATION', message, { field: 'addresses' });
    }
    if (isNetwork) list.addSubnet(address, Number(bits), family);
    else list.addAddress(address, family);
  }
  return list;
}
