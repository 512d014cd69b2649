/** Tables and versions of a shard for tests, without files: what the picker sees. */
import type { PickerOptions, PickerState } from '../../src/compaction/picker-state.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { Version } from '../../src/manifest/version.js';
import { utf8 } from './text.js';

export const MIB = 1024 * 1024;

/** Level 1 holds 10 MiB, level 2 100 MiB; tables of builders are 1 MiB. */
export const PICKER_OPTIONS: PickerOptions = {
  l0RunsTrigger: 4,
  levelBaseBytes: 10 * MIB,
  levelMultiplier: 10,
  maxJobBytes: 64 * MIB,
  tombstoneShare: 0.5,
  expiredGraceSeconds: 600,
};

let lastFileNumber = 0;

/** A table over keys from `first` to `last` of collection 1, unless `fields` says otherwise. */
export function tableInfo(first: string, last: string, fields: Partial<TableInfo> = {}): TableInfo {
  const collection = fields.collections?.[0].collection ?? 1;
  const entries = fields.entries ?? 1000;
  const tombstones = fields.tombstones ?? 0;
  return {
    fileNumber: ++lastFileNumber,
    level: 1,
    run: 0,
    sizeBytes: MIB,
    entries,
    tombstones,
    rawBytes: 2 * MIB,
    smallest: { collection, key: utf8(first) },
    largest: { collection, key: utf8(last) },
    minSeqno: 1,
    maxSeqno: 1000,
    earliestExpiry: 0,
    collections: [{ collection, entries, tombstones, rawBytes: 2 * MIB }],
    ...fields,
  };
}

export function versionOf(...tables: readonly TableInfo[]): Version {
  return Version.empty().apply({ addedTables: tables, removedTables: [] });
}

export function pickerState(version: Version, fields: Partial<PickerState> = {}): PickerState {
  return {
    version,
    options: PICKER_OPTIONS,
    busy: new Set(),
    cursors: [],
    nowSeconds: 10_000,
    writtenAtSeconds: new Map(),
    openedAtSeconds: 0,
    dropped: new Set(),
    oldestSnapshot: undefined,
    ...fields,
  };
}

/** `count` tables of one run, side by side: a0..a9, b0..b9 and so on. */
export function sideBySide(count: number, fields: Partial<TableInfo> = {}): TableInfo[] {
  return Array.from({ length: count }, (_, i) => {
    const letter = String.fromCharCode(97 + i);
    return tableInfo(`${letter}0`, `${letter}9`, fields);
  });
}

/** The newer run covers d..m, the older one a..f. */
export function twoOverlappingL0Tables(): { newer: TableInfo; older: TableInfo } {
  const older = tableInfo('a', 'f', { level: 0, run: 1, minSeqno: 1, maxSeqno: 10 });
  const newer = tableInfo('d', 'm', { level: 0, run: 2, minSeqno: 11, maxSeqno: 20 });
  return { newer, older };
}

/** Four runs, each over the same range: the usual level 0 of a shard whose keys are written at random. */
export function fourRunsOverEverything(sizeBytes = MIB): TableInfo[] {
  return [4, 3, 2, 1].map((run) => tableInfo('a', 'z', { level: 0, run, sizeBytes }));
}
