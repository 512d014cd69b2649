/**
 * Checks one table as a file: it is there with its size, every checksum, the order of entries, index, filter and
 * properties, and that the manifest says of it what it says of itself. A damaged table is searched for all its damage, not
 * only the first. Reads only; any thread.
 */
import { DbError } from '../base/errors.js';
import { NO_BLOCK_CACHE } from '../cache/block-cache.js';
import type { KeyBound, TableInfo } from '../manifest/table-info.js';
import { finishedTable, type TableProperties } from '../sst/properties.js';
import { tableName } from '../sst/table-names.js';
import { TableReader } from '../sst/table-reader.js';
import { salvageTable } from '../sst/table-salvage.js';
import { FINDINGS_MAX, type FindingList } from './findings.js';
import type { ShardPlace } from './shard-place.js';

/** What was read of a whole table. */
export interface CheckedTable {
  readonly properties: TableProperties;
}

/** `expected` is absent when there is no manifest to say anything. Undefined when the table has an error. */
export function checkTable(
  place: ShardPlace,
  fileNumber: number,
  expected: TableInfo | undefined,
  findings: FindingList,
): CheckedTable | undefined {
  const path = tablePath(place, fileNumber);
  const { vfs } = place;
  if (!vfs.exists(path)) {
    findings.error(path, null, 'the manifest names this table, but the file is missing');
    return undefined;
  }
  const before = findings.errors;
  const offsets = new Set<number>();
  let properties: TableProperties | undefined;
  if (expected !== undefined) checkSize(path, vfs.sizeOf(path), expected, findings);
  try {
    properties = verified(place, path, fileNumber);
    if (expected !== undefined && findings.errors === before) compare(path, properties, expected, findings);
  } catch (error) {
    findings.failure(error, path);
    if (error instanceof DbError && typeof error.details?.['offset'] === 'number')
      offsets.add(error.details['offset']);
  }
  if (findings.errors === before && properties !== undefined) return { properties };
  if (properties === undefined) listDamage(place, path, fileNumber, offsets, findings);
  return undefined;
}

export function tablePath({ tableDirectory }: ShardPlace, fileNumber: number): string {
  return `${tableDirectory}/${tableName(fileNumber)}`;
}

export function openReader(place: ShardPlace, fileNumber: number): TableReader {
  const path = tablePath(place, fileNumber);
  return TableReader.open({ vfs: place.vfs, path, shard: place.shard, fileNumber, cache: NO_BLOCK_CACHE });
}

/** Reads all of the table; what it throws is the first problem. */
export function verifyWhole(place: ShardPlace, fileNumber: number): TableProperties {
  return verified(place, tablePath(place, fileNumber), fileNumber);
}

function verified({ vfs, shard }: ShardPlace, path: string, fileNumber: number): TableProperties {
  const reader = TableReader.open({ vfs, path, shard, fileNumber, cache: NO_BLOCK_CACHE });
  try {
    reader.verify();
    return reader.properties;
  } finally {
    reader.close();
  }
}

function checkSize(path: string, size: number, { sizeBytes }: TableInfo, findings: FindingList): void {
  if (size === sizeBytes) return;
  findings.error(
    path,
    Math.min(size, sizeBytes),
    `the file has ${size} bytes, the manifest says ${sizeBytes}`,
  );
}

function compare(
  path: string,
  properties: TableProperties,
  expected: TableInfo,
  findings: FindingList,
): void {
  const own = finishedTable(properties);
  for (const name of Object.keys(own) as (keyof typeof own)[]) {
    const stored = textOf(own[name]);
    const claimed = textOf(expected[name]);
    if (stored !== claimed)
      findings.error(path, null, `${name} is ${stored} in the table and ${claimed} in the manifest`);
  }
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, inner) =>
    inner instanceof Uint8Array ? Buffer.from(inner).toString('hex') : inner,
  );
}

function listDamage(
  { vfs }: ShardPlace,
  path: string,
  fileNumber: number,
  known: ReadonlySet<number>,
  findings: FindingList,
): void {
  let listed = 0;
  try {
    salvageTable({
      vfs,
      path,
      fileNumber,
      onEntry: () => {},
      onDamage: ({ offset, length, reason, expected, got }) => {
        if (known.has(offset) || listed++ >= FINDINGS_MAX) return;
        findings.error(path, offset, `${reason} (expected ${expected}, got ${got}), ${length} bytes`);
      },
    });
  } catch (error) {
    // The file cannot be opened any more: that is what the first finding says already, unless it came just now.
    if (known.size > 0) findings.failure(error, path);
  }
}

/** `collection:key`, readable where the key is text. */
export function boundText({ collection, key }: KeyBound): string {
  return `${collection}:${JSON.stringify(Buffer.from(key).toString('utf8'))}`;
}
