/** What an archive says about itself: MANIFEST.json for programs, README.txt for people, and what is hidden in it. */
import { packageVersion } from '../../base/version.js';
import type { PieceOutcome } from './piece.js';
import type { Subject } from './subject.js';

const FORMAT_VERSION = 1;

export const HIDDEN_THINGS =
  'Hidden: values of secret settings, and of variables and fields whose names sound like secrets (password, secret, token, credential, ' +
  'cookie, authorization, private or API keys), wherever else these values occur, and passwords, keys and tokens in the ' +
  'usual forms in logs and statements.';
export const SHOWN_THINGS =
  'Not hidden: texts of SQL statements with the values in them, names of collections, fields and indexes, keys of ' +
  'documents at the ends of tables, addresses, host names and paths. No documents are in it. Look through it before you ' +
  'send it to others.';

/** Why there is nothing about files and processes. */
const ELSEWHERE =
  'the server runs on another machine: its logs, files and process are not in here; run this there';

export function notesOf({ server, serverFailed, isHere, pid }: Subject): string[] {
  const notes: string[] = [];
  if (server === undefined) notes.push(`the server does not answer, so nothing is from it: ${serverFailed}`);
  if (server === undefined && pid !== null)
    notes.push(
      `process ${pid} has announced itself in the data directory and runs: what the kernel tells of it is here`,
    );
  if (!isHere) notes.push(ELSEWHERE);
  return notes;
}

export function manifestText(
  subject: Subject,
  notes: readonly string[],
  createdAt: Date,
  outcomes: readonly PieceOutcome[],
): string {
  const manifest = {
    format_version: FORMAT_VERSION,
    created_at: createdAt.toISOString(),
    lumadb: packageVersion(),
    server: subject.server?.target.url ?? null,
    server_answers: subject.server !== undefined,
    pid: subject.pid,
    data_directory: subject.dataDirectory,
    log_directory: subject.logDirectory,
    notes,
    hidden: HIDDEN_THINGS,
    not_hidden: SHOWN_THINGS,
    pieces: outcomes,
  };
  return JSON.stringify(manifest);
}

export function readmeText(notes: readonly string[]): string {
  const remarks = notes.map((note) => `${capital(note)}.\n\n`);
  return `Diagnostics of a LumaDB server, made by lumadb diagnose ${packageVersion()}.

MANIFEST.json lists every piece, and why a piece could not be made.

server/    what the server answered: status, health, metrics (two samples, a second apart), memory,
           compaction, tasks, statements that run, configuration, state; diagnostics.json has the
           threads with their stacks
logs/      the end of each log file
config/    the configuration that holds here, where each value comes from, and the environment
storage/   files and sizes by shard and level, the catalog
process/   the process and its threads as the kernel sees them
machine/   versions, processors, memory, limits, the disk under the data directory

${remarks.join('')}${HIDDEN_THINGS}

${SHOWN_THINGS}
`;
}

const capital = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
