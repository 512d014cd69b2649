/**
 * The data directory as a whole: who holds it and what it is. Main thread only, at start and stop.
 *
 *   LOCK         exclusive kernel lock (open file description lock) of the process that serves the directory; the
 *                kernel drops it when that process ends, however it ends. The content is JSON for messages only.
 *                Never removed: a lock on a removed file excludes nobody.
 *   server.json  the same JSON, replaced atomically, while a server runs: where the CLI finds host and port.
 *   meta.json    {format_version, shards, instance_id, created_at}: written when the directory is created, and by a reshard.
 *
 * It uses node:fs and not the vfs: a kernel lock needs a real file descriptor.
 */
import { randomUUID } from 'node:crypto';
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { RESTORE_JOURNAL } from '../backup/restore/restore-journal.js';
import { STREAM_STATE_FILE } from '../backup/stream/stream-state.js';
import { assert } from '../base/assert.js';
import { type Clock, systemClock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { makeDirectories } from '../base/make-directories.js';
import { defaultShardCount, SHARDS_MAX } from '../config/shard-count.js';
import { decodeJournal, RESHARD_JOURNAL, requireNotSwitching } from '../tools/reshard-journal.js';
import { type Announcement, lockedError, parseAnnouncement } from './announcement.js';

/** The only format this release reads and writes. Older releases had none. */
const FORMAT_VERSION = 1;
const LOCK_FILE = 'LOCK';
const META_FILE = 'meta.json';
const ANNOUNCEMENT_FILE = 'server.json';
/** How long to wait for a lock whose holder runs: right after a kill -9 a process still looks as if it did. */
const LOCK_WAIT_MS = 1000;
/** How long to wait for one whose holder is ending (giving back memory comes first) or has not said who it is. */
const LOCK_WAIT_ENDING_MS = 5000;
const LOCK_RETRY_MS = 25;

export interface OpenDataDirectoryOptions {
  /** Configured shard count; 0 takes what the directory has, or the machine's default for a new one. */
  readonly shards: number;
  readonly clock?: Clock;
  /** For tools: refuse a directory that holds no database instead of creating one. */
  readonly mustExist?: boolean;
  /** For `lumadb reshard` alone: open a directory whose shards are changing places. */
  readonly mayBeResharding?: boolean;
}

export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  readonly shards: number;
  /** True when this call created it. */
  readonly created: boolean;
  readonly instanceId: string;
  /** Publishes where the server listens, for messages and for the CLI. */
  announce(address: { readonly host: string; readonly port: number; readonly tls_cert?: string }): void;
  /** Gives the directory up. Idempotent. Call it last: after it another process may write. */
  release(): void;
}

interface Meta {
  readonly shards: number;
  readonly instanceId: string;
}

/** The package has no types; only the one function is needed. */
interface FileLocks {
  tryLock(fd: number): boolean;
}
const loadFileLocks = (): FileLocks => createRequire(import.meta.url)('fs-native-extensions') as FileLocks;

const errorCode = (error: unknown): string | undefined => (error as NodeJS.ErrnoException).code;

function ioError(what: string, path: string, error: unknown): DbError {
  const reason = error instanceof Error ? error.message : String(error);
  return new DbError('IO', `${what} ${path}: ${reason}`, { path }, { cause: error });
}

function fsyncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

/** Creates the directory and what is missing above it, so that a crash cannot lose the new names. */
function createDirectory(path: string): void {
  try {
    const first = makeDirectories(path, 0o700);
    if (first === undefined) return;
    for (let made = path; made.length >= first.length; made = dirname(made)) fsyncDirectory(dirname(made));
  } catch (error) {
    throw ioError('cannot create the data directory', path, error);
  }
}

/** Atomic: after a crash the file has the old content or the new one, never a part. Only its owner can read it. */
export function replacePrivateFile(directory: string, name: string, content: string): void {
  const target = join(directory, name);
  const temporary = `${target}.tmp`;
  try {
    const fd = openSync(temporary, 'w', 0o600);
    try {
      writeAll(fd, content);
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(temporary, target);
    // fsync the directory: without it a crash can lose the rename.
    fsyncDirectory(directory);
  } catch (error) {
    throw ioError('cannot write', target, error);
  }
}

function writeAll(fd: number, content: string): void {
  const bytes = Buffer.from(content);
  for (let written = 0; written < bytes.length; )
    written += writeSync(fd, bytes, written, undefined, written);
}

/** PF_EXITING of linux/sched.h, in the flags that /proc/PID/stat shows. */
const EXITING_FLAG = 0x4;
/** SIGKILL among the pending signals there: on a busy machine a process may not even begin to end for seconds. */
const KILL_PENDING_FLAG = 0x100;
const FIELD_FLAGS = 6;
const FIELD_PENDING_SIGNALS = 28;

function processState(pid: number): 'running' | 'ending' | 'gone' {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it exists and belongs to somebody else.
    if (errorCode(error) !== 'EPERM') return 'gone';
  }
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // State and flags follow the command name, which is in parentheses and may contain anything.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields[0] === 'Z' || fields[0] === 'X') return 'gone';
    const isEnding = (Number(fields[FIELD_FLAGS]) & EXITING_FLAG) !== 0;
    const isKilled = (Number(fields[FIELD_PENDING_SIGNALS]) & KILL_PENDING_FLAG) !== 0;
    return isEnding || isKilled ? 'ending' : 'running';
  } catch {
    // No /proc here, or the process ended just now; the former must count as running.
    return 'running';
  }
}

/** Whether a process runs on this machine. A zombie does not. */
export const isProcessAlive = (pid: number): boolean => processState(pid) !== 'gone';

function readAnnouncementFile(path: string): Announcement | null {
  try {
    return parseAnnouncement(readFileSync(path, 'utf8'));
  } catch {
    // Missing or unreadable: nobody announced anything to us.
    return null;
  }
}

/** The server that announced itself in a directory and still runs, or null. Takes no lock; for the CLI. */
export function readAnnouncement(path: string): Announcement | null {
  const found = readAnnouncementFile(join(path, ANNOUNCEMENT_FILE));
  return found !== null && isProcessAlive(found.pid) ? found : null;
}

function sleep(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** Returns the descriptor that carries the lock. */
function acquireLock(path: string): number {
  const lockPath = join(path, LOCK_FILE);
  const locks = loadFileLocks();
  let fd: number;
  try {
    // Creates and never truncates: until we have the lock the content is the holder's.
    fd = openSync(lockPath, constants.O_RDWR | constants.O_CREAT, 0o600);
  } catch (error) {
    throw ioError('cannot open', lockPath, error);
  }
  try {
    for (let waitedMs = 0; !locks.tryLock(fd); waitedMs += LOCK_RETRY_MS) {
      const holder = readAnnouncementFile(lockPath);
      const running = holder !== null && processState(holder.pid) === 'running';
      const patienceMs = running ? (holder.pid === process.pid ? 0 : LOCK_WAIT_MS) : LOCK_WAIT_ENDING_MS;
      if (waitedMs >= patienceMs) throw lockedError(path, holder);
      sleep(LOCK_RETRY_MS);
    }
    return fd;
  } catch (error) {
    closeSync(fd);
    throw error instanceof DbError ? error : ioError('cannot lock', lockPath, error);
  }
}

/** Replaces the content of the locked file in place: the lock belongs to the inode, so no rename. */
function writeLockContent(lockFd: number, content: string): void {
  ftruncateSync(lockFd, 0);
  writeAll(lockFd, content);
}

function corruptMeta(file: string, reason: string): DbError {
  return new DbError(
    'CORRUPT_CATALOG',
    `${file} is damaged: ${reason}. It says how keys are spread over shards, so nothing is opened without it. ` +
      'Restore this file from a backup; the other files of the directory are untouched.',
    { file, reason },
  );
}

function readMeta(path: string): Meta | null {
  const file = join(path, META_FILE);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return null;
    throw ioError('cannot read', file, error);
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corruptMeta(file, `not JSON (${(error as Error).message})`);
  }
  return checkMeta(file, value);
}

function checkMeta(file: string, value: unknown): Meta {
  if (typeof value !== 'object' || value === null) throw corruptMeta(file, 'not a JSON object');
  const { format_version, shards, instance_id } = value as Record<string, unknown>;
  if (typeof format_version !== 'number' || !Number.isInteger(format_version) || format_version < 1) {
    throw corruptMeta(file, 'format_version is not a positive whole number');
  }
  if (format_version > FORMAT_VERSION) {
    throw new DbError(
      'CONFIG',
      `${file} has format version ${format_version}, and this release reads up to ${FORMAT_VERSION}: ` +
        'a newer LumaDB wrote this directory. Start that release, or choose another --data-dir.',
      { file, format_version, supported: FORMAT_VERSION },
    );
  }
  if (typeof shards !== 'number' || !Number.isInteger(shards) || shards < 1 || shards > SHARDS_MAX) {
    throw corruptMeta(file, `shards is not a whole number from 1 to ${SHARDS_MAX}`);
  }
  if (typeof instance_id !== 'string' || instance_id === '')
    throw corruptMeta(file, 'instance_id is missing');
  return { shards, instanceId: instance_id };
}

/** Names that may stand in a directory that is not a database yet: a mount point, logs, configuration. */
const isHarmless = (name: string): boolean =>
  name.startsWith('.') ||
  /\.(toml|yaml|yml)$/.test(name) ||
  [
    LOCK_FILE,
    ANNOUNCEMENT_FILE,
    `${ANNOUNCEMENT_FILE}.tmp`,
    `${META_FILE}.tmp`,
    'logs',
    'lost+found',
  ].includes(name);

/** What stands in a directory that may be anything. */
export const foreignNames = (path: string): string[] => readdirSync(path).filter((name) => !isHarmless(name));

/** Holds a directory that is no database yet, creating it if need be. Throws DATA_DIRECTORY_LOCKED and IO. */
export function claimDirectory(path: string): { readonly path: string; release(): void } {
  const directory = resolve(path);
  createDirectory(directory);
  const lockFd = acquireLock(directory);
  return { path: directory, release: () => closeSync(lockFd) };
}

/** Makes a database of a directory that holds its shards already, durably: from now on servers open it. */
export function writeMeta(path: string, shards: number, clock: Clock): string {
  const instanceId = randomUUID();
  const created_at = new Date(clock.wallMs()).toISOString();
  const content = { format_version: FORMAT_VERSION, shards, instance_id: instanceId, created_at };
  replacePrivateFile(path, META_FILE, `${JSON.stringify(content, null, 2)}\n`);
  return instanceId;
}

function createMeta(path: string, shards: number, clock: Clock): Meta {
  // Without meta.json the shard count of the files in here is unknown; guessing it would hide their documents.
  const foreign = foreignNames(path);
  if (foreign.length > 0) {
    const some = foreign.slice(0, 3).join(', ');
    throw new DbError(
      'CORRUPT_CATALOG',
      `the data directory ${path} has no ${META_FILE} but is not empty (${some}). If it held a database, restore ` +
        `${META_FILE} from a backup; if not, choose an empty directory.`,
      { path, found: some },
    );
  }
  const meta: Meta = { shards: shards === 0 ? defaultShardCount() : shards, instanceId: randomUUID() };
  assert(meta.shards >= 1 && meta.shards <= SHARDS_MAX, () => `shard count ${meta.shards} is out of range`);
  const content = {
    format_version: FORMAT_VERSION,
    shards: meta.shards,
    instance_id: meta.instanceId,
    created_at: new Date(clock.wallMs()).toISOString(),
  };
  replacePrivateFile(path, META_FILE, `${JSON.stringify(content, null, 2)}\n`);
  return meta;
}

function checkShardCount(path: string, stored: number, configured: number): void {
  if (configured === 0 || configured === stored) return;
  throw new DbError(
    'SHARD_COUNT_MISMATCH',
    `the data directory ${path} was created with ${stored} shards, and sharding.shards asks for ${configured}. ` +
      `Set it to ${stored} or 0; to change the number, stop the server and run ` +
      `lumadb reshard --shards ${configured} --data-dir ${path}, or start with a new data directory.`,
    { path, stored, configured },
  );
}

/** Between two layouts there is none: a server would find the shards of one and the number of the other. */
function refuseUnfinishedReshard(path: string): void {
  const file = join(path, RESHARD_JOURNAL);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return;
    throw ioError('cannot read', file, error);
  }
  requireNotSwitching(decodeJournal(text, file), path);
}

/** Before anything else that an unfinished restore may have left: only the restore itself goes on with it. */
function refuseUnfinishedRestore(path: string): void {
  if (!existsSync(join(path, RESTORE_JOURNAL))) return;
  throw new DbError(
    'CORRUPT_CATALOG',
    `a restore into ${path} was not finished: run the same lumadb restore again, or empty the directory`,
    { path, found: RESTORE_JOURNAL },
  );
}

/** A restore that ended between its last two steps: from here on its directory is not what it has made any more. */
function forgetRestore(path: string): void {
  const file = join(path, RESTORE_JOURNAL);
  if (!existsSync(file)) return;
  rmSync(file, { force: true });
  fsyncDirectory(path);
}

function requireDatabase(path: string): void {
  if (existsSync(join(path, META_FILE))) return;
  refuseUnfinishedRestore(path);
  throw new DbError('CONFIG', `there is no database in ${path} (no ${META_FILE})`, { path });
}

/** The number of shards of a directory that another process may hold. Takes no lock, changes nothing. */
export function readShardCount(path: string): number {
  const directory = resolve(path);
  requireDatabase(directory);
  return readMeta(directory)?.shards ?? 0;
}

/**
 * Stores another number of shards in meta.json, durably. For a reshard, which holds the directory and has moved the keys. The instance
 * id is a new one, and its WAL stream a new one: what backups and the stream have of the old shards must not be gone on with.
 */
export function setShardCount(path: string, shards: number): void {
  assert(shards >= 1 && shards <= SHARDS_MAX, () => `shard count ${shards} is out of range`);
  const meta = JSON.parse(readFileSync(join(path, META_FILE), 'utf8')) as Record<string, unknown>;
  checkMeta(join(path, META_FILE), meta);
  rmSync(join(path, STREAM_STATE_FILE), { force: true });
  const content = { ...meta, shards, instance_id: randomUUID() };
  replacePrivateFile(path, META_FILE, `${JSON.stringify(content, null, 2)}\n`);
}

/** Removes a directory with all that is in it, durably; nothing if there is none. */
export function removeTree(path: string): void {
  try {
    rmSync(path, { recursive: true, force: true });
    fsyncDirectory(dirname(path));
  } catch (error) {
    throw ioError('cannot remove', path, error);
  }
}

/**
 * Opens a data directory, creating it if need be, and holds it exclusively until release().
 * Throws DbError: DATA_DIRECTORY_LOCKED, SHARD_COUNT_MISMATCH, CORRUPT_CATALOG (meta.json), CONFIG (newer format), IO.
 */
export function openDataDirectory(path: string, options: OpenDataDirectoryOptions): DataDirectory {
  const directory = resolve(path);
  const clock = options.clock ?? systemClock;
  if (options.mustExist === true) requireDatabase(directory);
  createDirectory(directory);
  const lockFd = acquireLock(directory);
  try {
    const started_at = new Date(clock.wallMs()).toISOString();
    const publish = (host: string | null, port: number | null, tls_cert?: string): string => {
      const said: Announcement = { pid: process.pid, host, port, ...(tls_cert && { tls_cert }), started_at };
      const text = `${JSON.stringify(said)}\n`;
      writeLockContent(lockFd, text);
      return text;
    };
    publish(null, null);
    // Left behind by a server that was killed; it would send the CLI to the wrong place.
    rmSync(join(directory, ANNOUNCEMENT_FILE), { force: true });
    const existing = readMeta(directory);
    if (existing === null) refuseUnfinishedRestore(directory);
    if (options.mayBeResharding !== true) refuseUnfinishedReshard(directory);
    if (existing !== null) {
      checkShardCount(directory, existing.shards, options.shards);
      forgetRestore(directory);
    }
    const meta = existing ?? createMeta(directory, options.shards, clock);
    let held = true;
    return {
      path: directory,
      shards: meta.shards,
      created: existing === null,
      instanceId: meta.instanceId,
      announce({ host, port, tls_cert }) {
        assert(held, 'announce() after release()');
        replacePrivateFile(directory, ANNOUNCEMENT_FILE, publish(host, port, tls_cert));
      },
      release() {
        if (!held) return;
        held = false;
        try {
          rmSync(join(directory, ANNOUNCEMENT_FILE), { force: true });
          writeLockContent(lockFd, '');
        } finally {
          closeSync(lockFd);
        }
      },
    };
  } catch (error) {
    // A failed open must not leave the directory held by a process that goes on.
    closeSync(lockFd);
    throw error instanceof DbError ? error : ioError('cannot open the data directory', directory, error);
  }
}
