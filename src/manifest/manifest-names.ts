/** What the files beside the tables of a shard are called, and what a name says about a file. Pure functions. */
import { crc32 } from 'node:zlib';
import { isAtomicWriteLeftover } from '../vfs/transfer.js';

export const CURRENT = 'CURRENT';
/** Below 2^32: a number takes ten digits and a u32. */
const NUMBER_MAX = 0xffffffff;

export type SstFileName =
  | { readonly kind: 'current' }
  /** `MANIFEST-<10 digits>` */
  | { readonly kind: 'manifest'; readonly number: number }
  /** `<10 digits>.sst` */
  | { readonly kind: 'table'; readonly number: number }
  /** `MANIFEST-<10 digits>.tmp`: a manifest while it is being written. */
  | { readonly kind: 'incomplete manifest'; readonly number: number }
  /** The same for a table: `<10 digits>.sst.tmp`. */
  | { readonly kind: 'incomplete table'; readonly number: number }
  /** The same for CURRENT: `CURRENT.<n>.tmp`. */
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'unknown' };

export function manifestName(number: number): string {
  return `MANIFEST-${padded(number)}`;
}

/** What a manifest is called until all of it is durable. */
export function temporaryManifestName(number: number): string {
  return `${manifestName(number)}.tmp`;
}

/** `<10 digits>.sst`, as in src/sst/table-names.ts: this layer cannot import it, and the name is part of the format. */
export function tableFileName(fileNumber: number): string {
  return `${padded(fileNumber)}.sst`;
}

export function classifySstName(name: string): SstFileName {
  if (name === CURRENT) return { kind: 'current' };
  if (isAtomicWriteLeftover(name, CURRENT)) return { kind: 'incomplete' };
  const unfinished = /^(\d{10})\.sst\.tmp$/.exec(name);
  if (unfinished !== null) return numbered('incomplete table', Number(unfinished[1]));
  const temporary = /^MANIFEST-(\d{10})\.tmp$/.exec(name);
  if (temporary !== null) return numbered('incomplete manifest', Number(temporary[1]));
  const manifest = /^MANIFEST-(\d{10})$/.exec(name);
  if (manifest !== null) return numbered('manifest', Number(manifest[1]));
  const table = /^(\d{10})\.sst$/.exec(name);
  if (table !== null) return numbered('table', Number(table[1]));
  return { kind: 'unknown' };
}

/** Contents of CURRENT for this manifest. */
export function encodeCurrent(number: number): Uint8Array {
  const name = manifestName(number);
  return Buffer.from(`${name} ${checksumOf(name)}\n`, 'latin1');
}

/** The number of the manifest that CURRENT names; undefined if these are not the contents of a CURRENT. */
export function decodeCurrent(bytes: Uint8Array): number | undefined {
  const match = /^(MANIFEST-(\d{10})) ([0-9a-f]{8})\n$/.exec(Buffer.from(bytes).toString('latin1'));
  if (match === null || match[1] === undefined || checksumOf(match[1]) !== match[3]) return undefined;
  return Number(match[2]);
}

function numbered(
  kind: 'manifest' | 'incomplete manifest' | 'table' | 'incomplete table',
  number: number,
): SstFileName {
  return number <= NUMBER_MAX ? { kind, number } : { kind: 'unknown' };
}

function padded(number: number): string {
  return String(number).padStart(10, '0');
}

function checksumOf(name: string): string {
  return crc32(name).toString(16).padStart(8, '0');
}
