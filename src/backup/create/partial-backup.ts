/**
 * backup.partial.json: what a backup that is not finished has copied so far, so that another run can go on with it. Format, writer
 * and reader; pure. It is stored before the first object, again every few seconds, and removed when backup.json is there; a place
 * that has it and no backup.json was interrupted.
 *
 *   {"format_version":1,"run":"<uuid>","instance_id":"…","compression":"zstd","key_id":null,"started_at":"2026-…",
 *    "objects":[{"path":"shard-0000/sst/0000000007.sst","size_bytes":4096,"modified_ms":1.5,"sha256":"…",
 *                "object":"shard-0000/0000000007.sst.zstd","object_bytes":1234}],
 *    "digest":"…"}
 *
 * `digest` seals it as that of backup.json does: with a key, nobody without it can put another table in the place of one.
 */
import { createHash, createHmac } from 'node:crypto';
import { z } from 'zod';
import { keyId } from '../object/object-format.js';

export const PARTIAL_BACKUP = 'backup.partial.json';
export const PARTIAL_BYTES_MAX = 64 * 1024 * 1024;

const count = z.int().min(0);
const copied = z.strictObject({
  path: z.string(),
  size_bytes: count,
  modified_ms: z.number().min(0),
  sha256: z.string(),
  object: z.string(),
  object_bytes: count,
});
const partial = z.strictObject({
  format_version: z.literal(1),
  /** Of the process that writes there: one that finds another in its place has lost it. */
  run: z.uuid(),
  instance_id: z.string(),
  compression: z.string(),
  key_id: z.string().nullable(),
  started_at: z.string(),
  objects: z.array(copied),
});

export type PartialBackup = Readonly<z.output<typeof partial>>;
export type CopiedObject = PartialBackup['objects'][number];

export const keyIdText = (key: Uint8Array | undefined): string | null =>
  key === undefined ? null : keyId(key).toString('hex');

export function encodePartial(contents: PartialBackup, key?: Uint8Array): Uint8Array {
  const ordered = partial.parse(contents);
  return Buffer.from(JSON.stringify({ ...ordered, digest: digestOf(ordered, key) }));
}

/** Undefined when it is damaged, of another key, or of a release that wrote it in another way: nothing can be made of it. */
export function decodePartial(bytes: Uint8Array, key?: Uint8Array): PartialBackup | undefined {
  try {
    const { digest, ...rest } = JSON.parse(Buffer.from(bytes).toString('utf8')) as Record<string, unknown>;
    const parsed = partial.safeParse(rest);
    if (!parsed.success || parsed.data.key_id !== keyIdText(key)) return undefined;
    return digest === digestOf(parsed.data, key) ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

function digestOf(contents: PartialBackup, key: Uint8Array | undefined): string {
  const hash = key === undefined ? createHash('sha256') : createHmac('sha256', key);
  return hash.update('lumadb partial backup\n').update(JSON.stringify(contents)).digest('hex');
}
