/** Makes the archive of `lumadb diagnose`: finds the server, makes piece after piece, and leaves a file or nothing. */
import { systemClock } from '../../base/clock.js';
import type { ConnectionOptions } from '../connection.js';
import { CliError } from '../output.js';
import { manifestText, notesOf, readmeText } from './about.js';
import { allPieces } from './all-pieces.js';
import { Archive } from './archive.js';
import type { PieceOutcome } from './piece.js';
import { PieceRunner } from './piece-runner.js';
import { Redactor } from './redactor.js';
import { findSubject } from './subject.js';

export interface CollectOptions {
  readonly connection: ConnectionOptions;
  /** Absolute. */
  readonly path: string;
  /** Replaces a file of that name. */
  readonly force: boolean;
  readonly onNote: (note: string) => void;
  readonly onOutcome: (outcome: PieceOutcome) => void;
}

export interface Collected {
  readonly bytes: number;
  readonly isServerAnswering: boolean;
  readonly notes: readonly string[];
  readonly outcomes: readonly PieceOutcome[];
}

/** Throws CliError when there can be no archive: the file exists, cannot be written, or somebody pressed Ctrl+C. */
export async function collect(options: CollectOptions): Promise<Collected> {
  const createdAt = new Date(systemClock.wallMs());
  const root = `lumadb-diagnose-${createdAt.toISOString().replace(/[-:]|\.\d+/g, '')}`;
  const archive = Archive.create(options.path, root, { force: options.force, mtime: createdAt });
  const interrupted = new Promise<never>((_, reject) => {
    const onSignal = (signal: NodeJS.Signals): void => reject(new CliError(`${signal}: nothing was written`));
    process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  });
  try {
    return await Promise.race([fill(archive, options, createdAt), interrupted]);
  } catch (error) {
    archive.abandon();
    throw error;
  }
}

async function fill(archive: Archive, options: CollectOptions, createdAt: Date): Promise<Collected> {
  const { connection, onNote, onOutcome } = options;
  const subject = await findSubject(connection);
  const redactor = new Redactor();
  const pieces = allPieces(subject, connection.config, redactor);
  const notes = notesOf(subject).map((note) => redactor.text(note));
  for (const note of notes) onNote(note);
  archive.add('README.txt', Buffer.from(readmeText(notes)));
  const runner = new PieceRunner({
    redactor,
    clock: systemClock,
    isServerSlow: subject.server?.diagnostics instanceof Error,
    onFile: (name, bytes) => archive.add(name, bytes),
    onOutcome,
  });
  for (const piece of pieces) await runner.run(piece);
  const { outcomes } = runner;
  const manifest = redactor.json(manifestText(subject, notes, createdAt, outcomes));
  archive.add('MANIFEST.json', Buffer.from(manifest));
  await archive.finish();
  return { bytes: archive.bytes, isServerAnswering: subject.server !== undefined, notes, outcomes };
}
