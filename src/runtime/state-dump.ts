/**
 * The answer of GET /admin/dump-state: everything that the server knows about itself, for whoever looks for a fault. Bounded:
 * of many tables only the first are listed, and long keys are cut. Main thread only; it asks each shard one question.
 */
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import type { Version } from '../manifest/version.js';

/** Tables listed over all shards together: some 5 MB of JSON. */
export const DUMPED_TABLES_MAX = 10_000;
/** Bytes of a key that are shown. */
const KEY_BYTES_SHOWN = 64;

/** Text where the key is text, else hex; with the collection in front of it. */
export function dumpedBound({ collection, key }: KeyBound): Record<string, unknown> {
  const shown = key.subarray(0, KEY_BYTES_SHOWN);
  const cut = key.length > shown.length ? { key_bytes: key.length } : {};
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(shown);
    if (!/\p{Cc}/u.test(text)) return { collection, key: text, ...cut };
  } catch {
    // No UTF-8, or cut in the middle of a character.
  }
  return { collection, key_hex: Buffer.from(shown).toString('hex'), ...cut };
}

/** `listedMax`: of how many tables everything is shown. */
export function dumpedVersion(version: Version, number: number, listedMax: number): Record<string, unknown> {
  const tables = version.tables();
  return {
    number,
    totals: version.totals,
    tables_total: tables.length,
    tables: tables.slice(0, listedMax).map(dumpedTable),
  };
}

function dumpedTable({ smallest, largest, collections, ...figures }: TableInfo): Record<string, unknown> {
  return {
    ...figures,
    smallest: dumpedBound(smallest),
    largest: dumpedBound(largest),
    collections: collections.map(({ collection }) => collection),
  };
}
