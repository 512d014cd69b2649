/**
 * Opens the table directory of one shard at start-up: which tables make it up, what else the manifest remembers, and the
 * writer that goes on from there. Damage is loud and changes nothing on disk. Shard thread; the read-only mode, which
 * never writes, also for tools. A directory that another process writes to at the same time may look damaged.
 *
 * The order of steps matters. First the end of the manifest is made durable, then files are judged by it: the other way
 * round a power cut could undo the edit by which a table was judged obsolete. And files that it does not name stay where
 * they are until the caller has seen that the log goes on where the tables end, and calls `settleStrays`: a manifest that
 * has lost its last edits reads like one after a crash, and the tables of those edits are all there is of their documents.
 */
import { ManifestContents, type ManifestState } from './manifest-contents.js';
import { createManifestFile, type ManifestDirectory, pointCurrentAt } from './manifest-file.js';
import { manifestName } from './manifest-names.js';
import { successorSnapshot } from './manifest-snapshot.js';
import { type ManifestSurvey, surveyManifest } from './manifest-survey.js';
import { type ManifestContinuation, ManifestWriter } from './manifest-writer.js';
import { leaveStrays, type SettledStray, type Stray, settleStrays } from './stray-files.js';
import type { Version } from './version.js';

export interface OpenManifestOptions extends ManifestDirectory {
  /** `read-only` changes nothing on disk, gives no writer, and only reports. */
  readonly mode: 'strict' | 'read-only';
  /** See ManifestWriterOptions. */
  readonly rewriteBytesMin?: number;
}

export interface OpenManifestReport {
  /** The directory held no shard. In strict mode it does now. */
  readonly isNew: boolean;
  /** 0 if there is none (a new shard in read-only mode). */
  readonly manifestNumber: number;
  /** Edits read, the snapshot included. */
  readonly records: number;
  /** Bytes of an edit whose append never returned. It is dropped. 0 if the manifest ends cleanly. */
  readonly tornTailBytes: number;
  /** The manifest did not end with a seal, so a new one was started. */
  readonly rewritten: boolean;
  /** Files that the manifest does not name, where they are. Nothing has been done with them. */
  readonly strays: readonly SettledStray[];
}

export interface OpenedManifest {
  readonly version: Version;
  readonly state: ManifestState;
  readonly report: OpenManifestReport;
  /** Absent in read-only mode. */
  readonly writer?: ManifestWriter;
}

export type WritableManifest = OpenedManifest & {
  readonly writer: ManifestWriter;
  /**
   * Removes or moves the strays, durably, and says what was done with each. To be called once it is known that nothing
   * is missing from the shard; `keepTables`: that is not known, tables that no edit named stay where they are. Throws
   * DbError('IO'); the next start goes on from there.
   */
  readonly settleStrays: (options?: { readonly keepTables: boolean }) => readonly SettledStray[];
};

/**
 * Throws CORRUPT_MANIFEST or CORRUPT_TABLE (a named table has another size), both with {file, offset, expected, got},
 * and DbError('IO').
 */
export function openManifest(options: OpenManifestOptions & { readonly mode: 'strict' }): WritableManifest;
export function openManifest(options: OpenManifestOptions): OpenedManifest;
export function openManifest(options: OpenManifestOptions): OpenedManifest {
  const survey = surveyManifest(options);
  return options.mode === 'strict' ? openForWriting(options, survey) : describe(options, survey);
}

function openForWriting(options: OpenManifestOptions, survey: ManifestSurvey): WritableManifest {
  const { vfs, directory, rewriteBytesMin } = options;
  const { current } = survey;
  if (current === undefined) vfs.makeDirectory(directory);
  const contents = current?.read.contents ?? new ManifestContents();
  const isSealed = current?.read.tail === 'sealed';
  const continuation = isSealed
    ? { ...current.read, number: current.number }
    : start(options, survey, contents);
  const nextNumber = Math.max(survey.highestManifest, continuation.number) + 1;
  const writer = new ManifestWriter({ place: options, contents, continuation, nextNumber, rewriteBytesMin });
  try {
    // Numbers of tables that no edit ever named are not given to others either, finished or not: their files stay for now.
    if (survey.highestTable >= writer.state.nextFileNumber)
      writer.append({ addedTables: [], removedTables: [], nextFileNumber: survey.highestTable + 1 });
    const strays = isSealed ? survey.strays : [...survey.strays, ...supersededBy(survey)];
    const report: OpenManifestReport = {
      ...reportOf(survey),
      manifestNumber: writer.manifestNumber,
      rewritten: current !== undefined && !isSealed,
      strays: leaveStrays(directory, strays),
    };
    return {
      version: writer.version,
      state: writer.state,
      report,
      writer,
      settleStrays: ({ keepTables } = { keepTables: false }) => {
        const kept = strays.filter(({ kind }) => keepTables && kind === 'orphan table');
        const others = strays.filter((stray) => !kept.includes(stray));
        return [...leaveStrays(directory, kept), ...settleStrays(vfs, directory, others)];
      },
    };
  } catch (error) {
    writer.close();
    throw error;
  }
}

/** A new manifest that says what the old one says, or nothing in a new shard, durably. */
function start(
  place: ManifestDirectory,
  { current, highestManifest }: ManifestSurvey,
  contents: ManifestContents,
): ManifestContinuation {
  const number = highestManifest + 1;
  const sequence = (current?.read.sequence ?? 0) + 1;
  const { end } = createManifestFile(place, number, sequence, successorSnapshot(place, contents));
  pointCurrentAt(place, number);
  return { number, sequence, end, snapshotEnd: end };
}

/** The old manifest. With a torn tail it is evidence of what happened, and kept. */
function supersededBy({ current }: ManifestSurvey): Stray[] {
  if (current === undefined) return [];
  const kind = current.read.tail === 'torn' ? 'other manifest' : 'superseded manifest';
  return [{ name: manifestName(current.number), kind }];
}

function describe(options: OpenManifestOptions, survey: ManifestSurvey): OpenedManifest {
  const contents = survey.current?.read.contents ?? new ManifestContents();
  const strays = leaveStrays(options.directory, survey.strays);
  return { version: contents.version, state: contents.state(), report: { ...reportOf(survey), strays } };
}

function reportOf({ current }: ManifestSurvey): Omit<OpenManifestReport, 'strays'> {
  return {
    isNew: current === undefined,
    manifestNumber: current?.number ?? 0,
    records: current?.read.records ?? 0,
    tornTailBytes: current?.read.tornBytes ?? 0,
    rewritten: false,
  };
}
