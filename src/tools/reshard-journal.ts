/**
 * `reshard.json` in the data directory: how far a change of the number of shards has come. This file is its specification.
 *
 *   {"format_version":1,"state":"building","from":2,"to":4,"old":"reshard-old-20260101T120000Z"}
 *
 * - absent: nothing is going on.
 * - `building`: the old layout counts, and is complete. What is under `reshard/` is thrown away and built again.
 * - `switching`: what is under `reshard/` is complete and durable, and counts. Directories are changing places, so no
 *   server may start until that is done; the same command finishes it.
 *
 * Replaced atomically, so that it is always one of these.
 */
import { DbError } from '../base/errors.js';
import type { Vfs } from '../vfs/vfs.js';

export const RESHARD_JOURNAL = 'reshard.json';
const FORMAT_VERSION = 1;

export interface ReshardJournal {
  readonly state: 'building' | 'switching';
  readonly from: number;
  readonly to: number;
  /** Name of the directory that the old shards go to. */
  readonly old: string;
}

/** Undefined when nothing is going on. Throws DbError('CORRUPT_CATALOG') when it cannot be understood. */
export function readJournal(vfs: Vfs, dataDirectory: string): ReshardJournal | undefined {
  const path = `${dataDirectory}/${RESHARD_JOURNAL}`;
  if (!vfs.exists(path)) return undefined;
  return decodeJournal(Buffer.from(vfs.readFile(path)).toString('utf8'), path);
}

export function writeJournal(vfs: Vfs, dataDirectory: string, journal: ReshardJournal): void {
  const text = `${JSON.stringify({ format_version: FORMAT_VERSION, ...journal })}\n`;
  vfs.writeFileAtomic(`${dataDirectory}/${RESHARD_JOURNAL}`, new TextEncoder().encode(text));
}

export function removeJournal(vfs: Vfs, dataDirectory: string): void {
  vfs.unlink(`${dataDirectory}/${RESHARD_JOURNAL}`);
  vfs.syncDirectory(dataDirectory);
}

/** `file` is for messages. */
export function decodeJournal(text: string, file: string): ReshardJournal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const { format_version, state, from, to, old } = (value ?? {}) as Record<string, unknown>;
  const isKnown = format_version === FORMAT_VERSION && (state === 'building' || state === 'switching');
  const isWhole = isCount(from) && isCount(to) && typeof old === 'string' && /^reshard-old-\w+$/.test(old);
  if (isKnown && isWhole) return { state, from, to, old };
  throw new DbError(
    'CORRUPT_CATALOG',
    `${file} is damaged: it does not say how far a reshard has come. Nothing is opened without knowing that.`,
    { file },
  );
}

/** For everybody but the reshard itself: throws DbError('CONFIG') while directories are changing places. */
export function requireNotSwitching({ state, from, to }: ReshardJournal, dataDirectory: string): void {
  if (state === 'building') return;
  throw new DbError(
    'CONFIG',
    `a reshard of ${dataDirectory} from ${from} to ${to} shards was interrupted while directories changed places. ` +
      `Run lumadb reshard --shards ${to} --data-dir ${dataDirectory} to complete it.`,
    { path: dataDirectory, from, to },
  );
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0;
}
