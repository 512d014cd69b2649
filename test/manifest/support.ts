/** Builders for the manifest tests: tables with one-letter keys, their files, and random edits that always fit. */
import { asShardId } from '../../src/base/brand.js';
import type { Prng } from '../../src/base/prng.js';
import type { ManifestState } from '../../src/manifest/manifest-contents.js';
import { tableFileName } from '../../src/manifest/manifest-names.js';
import {
  type OpenedManifest,
  openManifest,
  type WritableManifest,
} from '../../src/manifest/open-manifest.js';
import type { KeyBound, TableInfo } from '../../src/manifest/table-info.js';
import type { Version } from '../../src/manifest/version.js';
import type { VersionEdit } from '../../src/manifest/version-edit.js';
import { parentOf } from '../../src/vfs/transfer.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { utf8 } from '../support/text.js';

export const DIRECTORY = '/db/shard-0000/sst';
export const QUARANTINE = '/db/shard-0000/quarantine';
export const SHARD = asShardId(3);

export const bound = (key: string, collection = 1): KeyBound => ({ collection, key: utf8(key) });

/** Table `fileNumber` over [from, to] in collection 1, at level 1 unless said otherwise. */
export function table(
  fileNumber: number,
  from: string,
  to: string,
  overrides: Partial<TableInfo> = {},
): TableInfo {
  return {
    fileNumber,
    level: 1,
    run: 0,
    sizeBytes: 100 + fileNumber,
    entries: 10 * fileNumber,
    tombstones: fileNumber,
    rawBytes: 1000 * fileNumber,
    smallest: bound(from),
    largest: bound(to),
    minSeqno: fileNumber,
    maxSeqno: fileNumber + 100,
    earliestExpiry: 0,
    collections: [
      { collection: 1, entries: 10 * fileNumber, tombstones: fileNumber, rawBytes: 1000 * fileNumber },
    ],
    ...overrides,
  };
}

/** An edit that changes no tables unless told to. */
export const edit = (changes: Partial<VersionEdit> = {}): VersionEdit => ({
  addedTables: [],
  removedTables: [],
  ...changes,
});

export const pathOf = (name: string): string => `${DIRECTORY}/${name}`;

/** A durable file of the size that the table says it has, under its final name. */
export function writeTableFile(vfs: Vfs, { fileNumber, sizeBytes }: TableInfo, directory = DIRECTORY): void {
  vfs.writeFileAtomic(`${directory}/${tableFileName(fileNumber)}`, new Uint8Array(sizeBytes));
}

/** What a shard thread does: the files get their names, then the edit names them. */
export function install(
  opened: WritableManifest,
  vfs: Vfs,
  change: VersionEdit,
  directory = DIRECTORY,
): Version {
  for (const added of change.addedTables) {
    const path = `${directory}/${tableFileName(added.fileNumber)}`;
    if (vfs.exists(path)) continue;
    const file = vfs.open(`${path}.tmp`, 'create');
    file.pwrite(new Uint8Array(added.sizeBytes), 0, added.sizeBytes, 0);
    file.fsync();
    file.close();
    vfs.rename(`${path}.tmp`, path);
  }
  return opened.writer.append(change);
}

/** As a start whose log has no gap: strays are settled, and the report says how. */
export function open(vfs: Vfs, rewriteBytesMin?: number): WritableManifest {
  const opened = openUnsettled(vfs, rewriteBytesMin);
  return { ...opened, report: { ...opened.report, strays: opened.settleStrays() } };
}

export const openUnsettled = (vfs: Vfs, rewriteBytesMin?: number): WritableManifest =>
  openManifest({ vfs, directory: DIRECTORY, shard: SHARD, mode: 'strict', rewriteBytesMin });

export const look = (vfs: Vfs): OpenedManifest =>
  openManifest({ vfs, directory: DIRECTORY, shard: SHARD, mode: 'read-only' });

/** All that a manifest says, in a form that compares. */
export function contentsOf({ version, state }: { version: Version; state: ManifestState }): string {
  const hex = ({ collection, key }: KeyBound): string => `${collection}:${Buffer.from(key).toString('hex')}`;
  // Sorted: the order in which an object got its fields is no part of what it says.
  const tables = version
    .tables()
    .map((info) =>
      Object.entries({ ...info, smallest: hex(info.smallest), largest: hex(info.largest) }).sort(),
    );
  const compactionCursors = state.compactionCursors.map(({ level, bound: at }) => `${level} ${hex(at)}`);
  return JSON.stringify({ tables, ...state, compactionCursors });
}

/** A random edit that fits `version`: a flush, a compaction of level 0, a trivial move, or figures alone. */
export function randomEdit(
  prng: Prng,
  { version, state }: { version: Version; state: ManifestState },
): VersionEdit {
  const number = state.nextFileNumber;
  const levelZero = (version.levels[0] ?? []).flatMap(({ tables }) => tables);
  const fate = prng.nextBelow(4);
  if (fate === 0 && levelZero.length > 2) {
    const removed = [...levelZero, ...(version.levels[1] ?? []).flatMap(({ tables }) => tables)];
    return edit({
      addedTables: [table(number, 'a', 'm'), table(number + 1, 'n', 'z')],
      removedTables: removed.map(({ fileNumber }) => fileNumber),
      compactionCursors: [{ level: 1, bound: bound(String(number)) }],
    });
  }
  const [lowest] = version.levels[1] ?? [];
  if (fate === 1 && lowest !== undefined && version.levels[2]?.length === 0) {
    return edit({
      addedTables: lowest.tables.map((info) => ({ ...info, level: 2 })),
      removedTables: lowest.tables.map(({ fileNumber }) => fileNumber),
    });
  }
  if (fate === 2) return edit({ databaseSeconds: state.databaseSeconds + prng.nextBelow(100) });
  const run = state.nextRun;
  const seqno = state.flushedSeqno + 1 + prng.nextBelow(50);
  const wide = 'k'.repeat(1 + prng.nextBelow(600));
  return edit({
    addedTables: [
      table(number, `a${wide}`, 'f', { level: 0, run }),
      table(number + 1, 'g', 'z', { level: 0, run }),
    ],
    flushedSeqno: seqno,
    nextFileNumber: number + 2 + prng.nextBelow(3),
    nextRun: run + 1,
    collectionStats: [{ collection: 1, documents: seqno, bytes: 10 * seqno }],
    operationIds: [{ identity: 2 ** 52 + seqno, fingerprint: 2 ** 53 - 1 - seqno, status: 1, seqno }],
  });
}

/** A file system with the same files, durable, of which one is changed. */
export function doctored(
  source: Vfs,
  target: Vfs,
  name: string,
  change: (bytes: Uint8Array) => Uint8Array | undefined,
): void {
  target.makeDirectory(parentOf(pathOf(name)));
  for (const each of source.list(DIRECTORY)) {
    const bytes = source.readFile(pathOf(each)).slice();
    target.writeFileAtomic(pathOf(each), each === name ? (change(bytes) ?? bytes) : bytes);
  }
}
