/**
 * checkpoint.json: what a checkpoint is a copy of. Format, writer and reader; pure.
 *
 * A checkpoint is a directory `checkpoints/<id>/` inside the data directory and laid out like one: `shard-NNNN/sst/` with the
 * tables of one version (hard links), a manifest of its own and CURRENT, `shard-NNNN/wal/` with the segments that hold what
 * is not in tables (hard links: their files go on growing), `catalog.json`, and perhaps `clock.json` and `security.json`.
 * All shards together are the database at one seqno. checkpoint.json is written last: without it there is no checkpoint.
 *
 *   {"format_version":1,"id":"20260102T030405Z-0f3a","instance_id":"…","lumadb_version":"0.1.0","taken_at":"2026-01-02T…",
 *    "seqno":1234,"database_seconds":1790000000,
 *    "shards":[{"shard":0,"flushed_seqno":1000,"tables":[{"file_number":7,"size_bytes":4096}],
 *               "log":{"first_segment":3,"last_segment":4,"end_offset":8192}}]}
 *
 * `log`: everything the shard appended behind its flushed seqno and up to the seqno of the checkpoint lies in these segments,
 * in front of `end_offset` of the last one; batches behind the seqno may be there too. Null when there is no segment.
 */

import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { damaged } from '../damaged.js';

export const CHECKPOINTS_DIRECTORY = 'checkpoints';
export const CHECKPOINT_FILE = 'checkpoint.json';
/** The number of the manifest in a checkpoint. */
export const CHECKPOINT_MANIFEST = 1;
/** Files beside the shards that a checkpoint takes along as they are, if they are there, besides the catalog. */
export const COPIED_FILES: readonly string[] = ['clock.json', 'security.json'];
const FORMAT_VERSION = 1;

const count = z.int().min(0);
const checkpoint = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  id: z.string().regex(/^[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4,16}$/),
  instance_id: z.string().min(1),
  lumadb_version: z.string(),
  taken_at: z.iso.datetime(),
  seqno: count,
  database_seconds: count,
  shards: z
    .array(
      z.strictObject({
        shard: count,
        flushed_seqno: count,
        tables: z.array(z.strictObject({ file_number: z.int().min(1), size_bytes: count })),
        log: z
          .strictObject({ first_segment: z.int().min(1), last_segment: z.int().min(1), end_offset: count })
          .nullable(),
      }),
    )
    .min(1),
});

export type Checkpoint = Readonly<z.output<typeof checkpoint>>;
export type CheckpointShard = Checkpoint['shards'][number];

export const CHECKPOINT_FORMAT_VERSION = FORMAT_VERSION;

/** `20260102T030405Z-0f3a9c1d`. */
export function newCheckpointId(wallMs: number): string {
  const time = new Date(wallMs).toISOString();
  return `${time.slice(0, 19).replace(/[-:]/g, '')}Z-${randomBytes(4).toString('hex')}`;
}

export function encodeCheckpoint(contents: Checkpoint): string {
  return `${JSON.stringify(checkpoint.parse(contents), null, 1)}\n`;
}

/** Throws CORRUPT_BACKUP; `file` is for messages. */
export function decodeCheckpoint(text: string, file: string): Checkpoint {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(file, `not JSON (${(error as Error).message})`);
  }
  const parsed = checkpoint.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw damaged(file, `${issue.path.join('.') || 'it'}: ${issue.message}`);
}
