/**
 * head.json of a WAL stream: how far all shards have come, and where the row of each ends. Plain JSON, stored last in every round, for
 * tools as well. Format, writer and reader; pure.
 *
 *   {"format_version":1,"seqno":1234,"taken_at":"2026-01-01T00:00:00.000Z","shards":[{"shard":0,"through":1200,"chain":"…"}]}
 *
 * Everything up to `seqno` was there at `taken_at`. `shards` names the last piece of each row by the seqno that it reaches and by its
 * chain (hexadecimal); shards without a piece are not in it. A row that ends earlier has lost its end; one that goes on is newer.
 */

import { z } from 'zod';
import { damaged } from '../damaged.js';

/** Bytes that readers accept: some thousand shards. */
export const STREAM_HEAD_BYTES_MAX = 1024 * 1024;

const count = z.int().min(0);
const head = z.object({
  format_version: z.literal(1),
  seqno: count,
  taken_at: z.iso.datetime(),
  /** Absent in heads of the first builds. */
  shards: z
    .array(z.object({ shard: count, through: count, chain: z.string().regex(/^[0-9a-f]{64}$/) }))
    .default([]),
});

export interface RowEnd {
  readonly shard: number;
  readonly through: number;
  /** Hexadecimal. */
  readonly chain: string;
}

export interface StreamHead {
  readonly seqno: number;
  readonly takenAtMs: number;
  readonly shards: readonly RowEnd[];
}

export function encodeStreamHead({ seqno, takenAtMs, shards }: StreamHead): string {
  const taken_at = new Date(takenAtMs).toISOString();
  return `${JSON.stringify({ format_version: 1, seqno, taken_at, shards })}\n`;
}

/** Throws CORRUPT_BACKUP. `file` is for messages. */
export function decodeStreamHead(text: string, file: string): StreamHead {
  try {
    const { seqno, taken_at, shards } = head.parse(JSON.parse(text));
    return { seqno, takenAtMs: Date.parse(taken_at), shards };
  } catch {
    throw damaged(file, 'it does not say how far the stream has come');
  }
}
