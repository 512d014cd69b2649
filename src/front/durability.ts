/** Names of the durability levels in headers and configuration. */
import { Durability } from '../generated/lumadb/schema/durability.js';

const NAMES = ['default', 'always', 'group', 'os'] as const;
export type DurabilityName = 'always' | 'group' | 'os';

export const durabilityName = (durability: Durability): string => NAMES[durability];

/** Empty text means the server's default. Undefined when the name is unknown. */
export function parseDurability(text: string): Durability | undefined {
  switch (text) {
    case '':
      return Durability.Unspecified;
    case 'always':
      return Durability.Always;
    case 'group':
      return Durability.Group;
    case 'os':
      return Durability.Os;
    default:
      return undefined;
  }
}
