/**
 * What lies in a data directory: the files of each shard with their sizes, tables by the level that the manifest puts them
 * in. Looks at names, sizes and manifests only, changes nothing, and works beside a running server, whose files come and
 * go meanwhile. Any thread.
 */
import { type ManifestSurvey, surveyNames } from '../manifest/manifest-survey.js';
import { classifyTableName } from '../sst/table-names.js';
import { isIoError } from '../vfs/io-error.js';
import type { Vfs } from '../vfs/vfs.js';
import { classifyName } from '../wal/segment-names.js';
import { manifestPlace, type ShardPlace, shardPlace } from './shard-place.js';

/** Files that are listed by name, of each directory; all are counted. */
const LISTED_MAX = 2000;
/** A live server may replace its manifest between two reads. */
const MANIFEST_ATTEMPTS_MAX = 3;

interface FileReport {
  readonly name: string;
  readonly bytes: number;
  /** Of a table; null: the manifest does not name it. */
  readonly level?: number | null;
}

interface DirectoryReport {
  readonly files: number;
  readonly bytes: number;
  readonly listed: readonly FileReport[];
}

interface LevelReport {
  readonly level: number;
  readonly tables: number;
  readonly bytes: number;
  readonly entries: number;
  readonly tombstones: number;
}

interface ShardStorageReport {
  readonly shard: number;
  /** As the manifest says; null when it cannot be read. */
  readonly levels: readonly LevelReport[] | null;
  readonly manifest: { readonly number: number; readonly bytes: number; readonly tail: string } | null;
  /** Why the manifest cannot be read. */
  readonly manifest_failed: string | null;
  /** Tables, manifests and what else lies beside them. */
  readonly tables: DirectoryReport;
  readonly wal: DirectoryReport & { readonly segments: number; readonly spares: number };
  readonly quarantine: DirectoryReport;
}

export interface StorageReport {
  readonly shards: readonly ShardStorageReport[];
  /** What lies in the data directory itself. */
  readonly top: DirectoryReport;
  /** True when the time was over before everything had been looked at. */
  readonly is_cut: boolean;
}

/** `isOverdue` is asked between files. */
export function storageReport(vfs: Vfs, dataDirectory: string, isOverdue: () => boolean): StorageReport {
  const numbers = vfs.list(dataDirectory).flatMap((name) => {
    const match = /^shard-(\d{4,})$/.exec(name);
    return match === null ? [] : [Number(match[1])];
  });
  const shards: ShardStorageReport[] = [];
  for (const shard of numbers) {
    if (isOverdue()) break;
    shards.push(shardReport(shardPlace(vfs, dataDirectory, shard), isOverdue));
  }
  return {
    shards,
    top: directoryReport(vfs, dataDirectory, isOverdue),
    is_cut: isOverdue(),
  };
}

function shardReport(place: ShardPlace, isOverdue: () => boolean): ShardStorageReport {
  const { vfs, shard } = place;
  const { survey, failed } = readSurvey(place);
  const tables = survey?.current?.read.contents.version.tables() ?? [];
  const levelOf = new Map(tables.map(({ fileNumber, level }) => [fileNumber, level]));
  const wal = directoryReport(vfs, place.walDirectory, isOverdue);
  const kinds = namesIn(vfs, place.walDirectory).map((name) => classifyName(name).kind);
  const count = (...wanted: readonly string[]): number =>
    kinds.filter((kind) => wanted.includes(kind)).length;
  const { current } = survey ?? {};
  return {
    shard,
    levels: survey === undefined ? null : levelReports(tables),
    manifest:
      current === undefined
        ? null
        : { number: current.number, bytes: current.read.end, tail: current.read.tail },
    manifest_failed: failed ?? null,
    tables: directoryReport(vfs, place.tableDirectory, isOverdue, (name) => {
      const classified = classifyTableName(name);
      return classified.kind === 'table' ? { level: levelOf.get(classified.fileNumber) ?? null } : {};
    }),
    wal: { segments: count('segment'), spares: count('spare', 'recycled'), ...wal },
    quarantine: directoryReport(vfs, place.quarantineDirectory, isOverdue),
  };
}

function readSurvey(place: ShardPlace): { survey?: ManifestSurvey; failed?: string } {
  for (let attempt = 1; ; attempt++) {
    try {
      return { survey: surveyNames(manifestPlace(place)) };
    } catch (error) {
      if (attempt === MANIFEST_ATTEMPTS_MAX) return { failed: (error as Error).message };
    }
  }
}

interface Leveled {
  readonly level: number;
  readonly sizeBytes: number;
  readonly entries: number;
  readonly tombstones: number;
}

function levelReports(tables: readonly Leveled[]): LevelReport[] {
  const levels = [...new Set(tables.map(({ level }) => level))].sort((a, b) => a - b);
  return levels.map((level) => {
    const own = tables.filter((table) => table.level === level);
    const sum = (of: (table: Leveled) => number): number =>
      own.reduce((total, table) => total + of(table), 0);
    return {
      level,
      tables: own.length,
      bytes: sum(({ sizeBytes }) => sizeBytes),
      entries: sum(({ entries }) => entries),
      tombstones: sum(({ tombstones }) => tombstones),
    };
  });
}

const namesIn = (vfs: Vfs, directory: string): readonly string[] =>
  vfs.exists(directory) ? vfs.list(directory) : [];

function directoryReport(
  vfs: Vfs,
  directory: string,
  isOverdue: () => boolean,
  more: (name: string) => Partial<FileReport> = () => ({}),
): DirectoryReport {
  const listed: FileReport[] = [];
  let files = 0;
  let total = 0;
  for (const name of namesIn(vfs, directory)) {
    if (isOverdue()) break;
    const bytes = sizeOf(vfs, `${directory}/${name}`);
    if (bytes === undefined) continue;
    files++;
    total += bytes;
    if (listed.length < LISTED_MAX) listed.push({ name, bytes, ...more(name) });
  }
  return { files, bytes: total, listed };
}

/** Undefined for directories, and for a file that has gone since the directory was listed. */
function sizeOf(vfs: Vfs, path: string): number | undefined {
  try {
    return vfs.sizeOf(path);
  } catch (error) {
    if (isIoError(error, 'ENOENT') || isIoError(error, 'EISDIR')) return undefined;
    throw error;
  }
}
