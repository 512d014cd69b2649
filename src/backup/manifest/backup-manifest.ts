/**
 * backup.json: what a backup consists of. Format, writer and reader; pure. It is stored last: a destination without it holds
 * no backup. Every object that it names belongs to this backup or to one of those that it builds upon, which lie beside it.
 *
 * The text is JSON of the shape below, with `digest` as its last member: SHA-256 (hexadecimal) of the JSON text of all other
 * members in the order given here. An encrypted backup has an HMAC-SHA-256 with the key there: nobody without it can exchange
 * what the backup names. Paths are those of a data directory (docs/formats/data-directory.md), with '/'.
 */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import { DbError } from '../../base/errors.js';
import { damaged } from '../damaged.js';
import { keyId } from '../object/object-format.js';

export const BACKUP_MANIFEST = 'backup.json';
export const BACKUP_FORMAT_VERSION = 1;
/** Bytes of a manifest that readers accept: some 200,000 files. */
export const BACKUP_MANIFEST_BYTES_MAX = 64 * 1024 * 1024;

const HEX_32 = /^[0-9a-f]{64}$/;
const count = z.int().min(0);
const sha256 = z.string().regex(HEX_32);
const time = z.iso.datetime();
/** A folder name beside this backup; never a way out of it. */
const backupName = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._:@+=-]{0,199}$/);
/** Files of a data directory that a backup may bring back. Anything else in a manifest is refused. */
const dataPath = z
  .string()
  .regex(
    /^(shard-\d{4}\/sst\/(\d{10}\.sst|MANIFEST-\d{10}|CURRENT)|catalog\.json|clock\.json|security\.json)$/,
  );
const objectName = z.string().regex(/^[a-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/);

/** A file of the data directory, and the object that holds it. */
const file = z.strictObject({
  path: dataPath,
  size_bytes: count,
  sha256,
  /** As in the file system, to know an unchanged table by; 0 of files that are always copied. */
  modified_ms: z.number().min(0),
  /** Relative to the backup that holds it. */
  object: objectName,
  object_bytes: count,
  /** The backup that holds it; absent: this one. */
  in: backupName.optional(),
});

/** The operations of one shard from `after` (exclusive) through `through`, in an object of this backup (log-piece/). */
const logPiece = z.strictObject({
  shard: count,
  after: count,
  through: count,
  records: count,
  last_wall_clock_ms: count,
  chain: sha256,
  /** Chain of the piece before it: of the parent, or zeros. */
  previous_chain: sha256,
  object: objectName,
  object_bytes: count,
});

const manifest = z.strictObject({
  format_version: z.literal(BACKUP_FORMAT_VERSION),
  /** Random, of this backup alone. */
  id: z.uuid(),
  name: backupName,
  type: z.enum(['full', 'incremental']),
  lumadb_version: z.string(),
  /** Of the data directory it was taken from. */
  instance_id: z.string().min(1),
  shards: z.int().min(1),
  /** Everything up to this seqno, on every shard, and nothing behind it. */
  seqno: count,
  /** Wall clock when the seqno was chosen. */
  taken_at: time,
  finished_at: time,
  database_seconds: count,
  /** Names, when it was restricted to some; null: all. */
  collections: z.array(z.string()).nullable(),
  compression: z.enum(['none', 'lz4', 'zstd']),
  encryption: z.strictObject({ cipher: z.literal('aes-256-gcm'), key_id: z.string() }).nullable(),
  /** Where the server streamed its log to at that time, for point-in-time restores; null: nowhere. */
  wal_stream: z.string().max(2048).nullable(),
  parent: z.strictObject({ name: backupName, id: z.uuid(), digest: sha256 }).nullable(),
  files: z.array(file),
  log: z.array(logPiece),
  /** All of a shard up to its flushed seqno is in tables. */
  shard_states: z.array(z.strictObject({ shard: count, flushed_seqno: count })),
});

export const isBackupName = (text: string): boolean => backupName.safeParse(text).success;

export type BackupManifest = Readonly<z.output<typeof manifest>>;
export type BackedUpFile = Readonly<z.output<typeof file>>;
export type BackedUpPiece = Readonly<z.output<typeof logPiece>>;
export type SealedManifest = BackupManifest & { readonly digest: string };

export function encodeManifest(
  contents: BackupManifest,
  key?: Uint8Array,
): { readonly text: string; readonly digest: string } {
  const ordered = manifest.parse(contents);
  const digest = digestOf(JSON.stringify(ordered), key);
  return { text: `${JSON.stringify({ ...ordered, digest }, null, 1)}\n`, digest };
}

/** Throws CORRUPT_BACKUP, and BACKUP_KEY when the key is missing or another. `file` is for messages. */
export function decodeManifest(text: string, file: string, key?: Uint8Array): SealedManifest {
  const { digest, ...rest } = parseObject(text, file);
  if (typeof rest['format_version'] === 'number' && rest['format_version'] > BACKUP_FORMAT_VERSION) {
    throw damaged(
      file,
      `format version ${rest['format_version']} is newer than this release reads (${BACKUP_FORMAT_VERSION})`,
    );
  }
  const parsed = manifest.safeParse(rest);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw damaged(file, `${issue.path.join('.') || 'it'}: ${issue.message}`);
  }
  const contents = parsed.data;
  const usedKey =
    contents.encryption === null ? undefined : requireKey(contents.encryption.key_id, file, key);
  const expected = digestOf(JSON.stringify(contents), usedKey);
  if (typeof digest !== 'string' || !isSame(digest, expected))
    throw damaged(file, 'its digest is wrong: it was changed');
  requireConsistent(contents, file);
  return { ...contents, digest: expected };
}

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch (error) {
    throw damaged(file, `not JSON (${(error as Error).message})`);
  }
  throw damaged(file, 'not a JSON object');
}

function requireKey(wanted: string, file: string, key: Uint8Array | undefined): Uint8Array {
  if (key === undefined)
    throw new DbError(
      'BACKUP_KEY',
      `${file} is of an encrypted backup: give its key with --encrypt-key-file`,
      { file },
    );
  if (keyId(key).toString('hex') !== wanted)
    throw new DbError('BACKUP_KEY', `${file} was encrypted with another key than the one given`, { file });
  return key;
}

function requireConsistent(
  { files, log, shards, seqno, shard_states, parent }: BackupManifest,
  name: string,
): void {
  const paths = new Set(files.map(({ path }) => path));
  if (paths.size < files.length) throw damaged(name, 'a path occurs twice');
  const ofShards = [...log, ...shard_states].map(({ shard }) => shard);
  if (ofShards.some((shard) => shard >= shards))
    throw damaged(name, `there are ${shards} shards, and it names another`);
  if (shard_states.length !== shards) throw damaged(name, 'not every shard has its state');
  if (log.some(({ after, through }) => through < after || through > seqno))
    throw damaged(name, 'a piece of the log is out of range');
  if (parent === null && files.some((each) => each.in !== undefined))
    throw damaged(name, 'it has no parent, and needs files of one');
}

function digestOf(text: string, key: Uint8Array | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return hash.update('lumadb backup manifest\n').update(text).digest('hex');
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
}
