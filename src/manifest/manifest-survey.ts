/**
 * What is in the table directory of a shard, judged by its manifest: the first step of opening one. Reads only. Whatever
 * is damaged, missing or contradicts itself is CORRUPT_MANIFEST or CORRUPT_TABLE; files that nobody names are only listed.
 */
import { DbError } from '../base/errors.js';
import type { ManifestDirectory } from './manifest-file.js';
import { CURRENT, classifySstName, decodeCurrent, manifestName, tableFileName } from './manifest-names.js';
import { type ReadManifest, readManifest } from './manifest-reader.js';
import type { Stray } from './stray-files.js';
import type { TableInfo } from './table-info.js';

export interface ManifestSurvey {
  /** The manifest that CURRENT names; absent for a shard that is new. */
  readonly current: { readonly number: number; readonly read: ReadManifest } | undefined;
  readonly strays: readonly Stray[];
  /** The highest number of any manifest in the directory, incomplete ones included; 0 if there is none. */
  readonly highestManifest: number;
  /** The highest number of any table in the directory, incomplete ones included; 0 if there is none. */
  readonly highestTable: number;
}

/** The names in the directory, sorted out. */
export interface DirectoryListing {
  readonly hasCurrent: boolean;
  /** Numbers, ascending. */
  readonly manifests: readonly number[];
  readonly tables: readonly number[];
  readonly incomplete: readonly string[];
  readonly unknown: readonly string[];
  readonly highestManifest: number;
  readonly highestTable: number;
}

export function surveyManifest(place: ManifestDirectory): ManifestSurvey {
  const survey = surveyNames(place);
  for (const table of survey.current?.read.contents.version.tables() ?? []) requireTable(place, table);
  return survey;
}

/** The same without a look at the tables: for tools that report every one that is missing or has another size. */
export function surveyNames(place: ManifestDirectory): ManifestSurvey {
  const listing = listDirectory(place);
  const current = listing.hasCurrent ? readCurrent(place, listing) : undefined;
  if (current === undefined) requireNew(place, listing);
  return {
    current,
    strays: straysOf(listing, current),
    highestManifest: listing.highestManifest,
    highestTable: listing.highestTable,
  };
}

export function listDirectory({ vfs, directory }: ManifestDirectory): DirectoryListing {
  const manifests: number[] = [];
  const tables: number[] = [];
  const incomplete: string[] = [];
  const unknown: string[] = [];
  let hasCurrent = false;
  let highestManifest = 0;
  let highestTable = 0;
  for (const name of vfs.exists(directory) ? vfs.list(directory) : []) {
    const classified = classifySstName(name);
    switch (classified.kind) {
      case 'current':
        hasCurrent = true;
        break;
      case 'manifest':
        manifests.push(classified.number);
        highestManifest = Math.max(highestManifest, classified.number);
        break;
      case 'incomplete manifest':
        incomplete.push(name);
        highestManifest = Math.max(highestManifest, classified.number);
        break;
      case 'table':
        tables.push(classified.number);
        highestTable = Math.max(highestTable, classified.number);
        break;
      case 'incomplete table':
        incomplete.push(name);
        highestTable = Math.max(highestTable, classified.number);
        break;
      case 'incomplete':
        incomplete.push(name);
        break;
      case 'unknown':
        unknown.push(name);
        break;
    }
  }
  return { hasCurrent, manifests, tables, incomplete, unknown, highestManifest, highestTable };
}

function readCurrent(
  place: ManifestDirectory,
  { manifests }: DirectoryListing,
): { number: number; read: ReadManifest } {
  const { vfs, directory, shard } = place;
  const path = `${directory}/${CURRENT}`;
  const bytes = vfs.readFile(path);
  const number = decodeCurrent(bytes);
  if (number === undefined)
    throw corrupt(path, 'it does not name a manifest', 'MANIFEST-<number> <crc32>', printable(bytes));
  const file = `${directory}/${manifestName(number)}`;
  if (!manifests.includes(number))
    throw corrupt(file, 'CURRENT names this manifest, but it is missing', 'a manifest', 'no such file');
  return { number, read: readManifest({ bytes: vfs.readFile(file), file, shard, number }) };
}

/** Without CURRENT the directory must be as a new shard is, or as a crash while it was set up leaves it. */
function requireNew(place: ManifestDirectory, { manifests, tables }: DirectoryListing): void {
  if (tables.length === 0 && manifests.every((number) => saysNothing(place, number))) return;
  throw corrupt(
    `${place.directory}/${CURRENT}`,
    `it is missing, but ${manifests.length} manifests and ${tables.length} tables are there`,
    'the name of a manifest',
    'no such file',
  );
}

/** True for the manifest of a shard that nothing was ever written to: to lose it is to lose nothing. */
function saysNothing({ vfs, directory, shard }: ManifestDirectory, number: number): boolean {
  const file = `${directory}/${manifestName(number)}`;
  try {
    const read = readManifest({ bytes: vfs.readFile(file), file, shard, number });
    const { version } = read.contents;
    return read.sequence === 1 && version.tableCount === 0 && read.contents.state().flushedSeqno === 0;
  } catch (error) {
    if (error instanceof DbError && error.code === 'CORRUPT_MANIFEST') return false;
    throw error;
  }
}

/** Opens the file and asks for its size; what is inside is for the table's reader. */
function requireTable({ vfs, directory }: ManifestDirectory, table: TableInfo): void {
  const path = `${directory}/${tableFileName(table.fileNumber)}`;
  if (!vfs.exists(path))
    throw corrupt(path, 'the manifest names this table, but it is missing', table.sizeBytes, 'no such file');
  const file = vfs.open(path, 'read');
  let size: number;
  try {
    size = file.size();
  } finally {
    file.close();
  }
  if (size === table.sizeBytes) return;
  throw new DbError(
    'CORRUPT_TABLE',
    `${path} is damaged: it has ${size} bytes, the manifest says ${table.sizeBytes}; see 'lumadb repair'`,
    { file: path, offset: Math.min(size, table.sizeBytes), expected: table.sizeBytes, got: size },
  );
}

function straysOf(listing: DirectoryListing, current: ManifestSurvey['current']): Stray[] {
  const named = new Set(current?.read.contents.version.tables().map(({ fileNumber }) => fileNumber));
  const strays: Stray[] = [];
  for (const number of listing.tables) {
    if (named.has(number)) continue;
    const isObsolete = current?.read.obsoleteTables.has(number) === true;
    strays.push({ name: tableFileName(number), kind: isObsolete ? 'obsolete table' : 'orphan table' });
  }
  for (const number of listing.manifests) {
    if (number !== current?.number) strays.push({ name: manifestName(number), kind: 'other manifest' });
  }
  for (const name of listing.incomplete) strays.push({ name, kind: 'incomplete file' });
  for (const name of listing.unknown) strays.push({ name, kind: 'unknown file' });
  return strays;
}

function corrupt(file: string, reason: string, expected: string | number, got: string): DbError {
  return new DbError(
    'CORRUPT_MANIFEST',
    `${file}: ${reason}; 'lumadb repair' builds a new manifest from the tables`,
    { file, offset: 0, expected, got },
  );
}

/** The beginning of what should have been text. */
function printable(bytes: Uint8Array): string {
  return JSON.stringify(Buffer.from(bytes.subarray(0, 40)).toString('latin1'));
}
