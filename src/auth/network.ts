/** Whom an address stands for, where callers are counted. Pure. */

/** Shorter than any IPv6 address as uWS writes them, in full: 2001:0db8:0000:0000:0000:0000:0000:0001. */
const IPV4_LENGTH_MAX = 15;
const GROUPS_OF_NETWORK = 4;

/**
 * An IPv4 address; of an IPv6 address its /64, within which one customer has all of them: counted one by one, each would have as
 * many tries as there are stars.
 */
export function networkOf(address: string): string {
  if (address.length <= IPV4_LENGTH_MAX) return address;
  return `${address.split(':').slice(0, GROUPS_OF_NETWORK).join(':')}::/64`;
}
