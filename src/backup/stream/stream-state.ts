/**
 * `wal-stream.json` of a data directory: how far its WAL stream has come. Format, writer and reader; pure. It is written after
 * what it says has arrived, so it may lag behind: a piece is then made again, under a name that ends elsewhere.
 *
 *   {"format_version":1,"destination":"s3://…","seqno":1234,
 *    "catalogs":[{"number":3,"seqno":1200,"wall_clock_ms":1790000000000,"text":"…","is_shipped":true}],
 *    "shards":[{"shard":0,"through":1234,"chain":"<64 hex digits>"}]}
 *
 * `seqno`: all shards have come so far. `catalogs`: the last one that was shipped and all behind it. Each is written here before
 * catalog.json changes, so that after a crash it is known between which operations it came; a last one that never became
 * catalog.json is forgotten by the next start. A stream to another destination begins anew.
 */
import { z } from 'zod';

export const STREAM_STATE_FILE = 'wal-stream.json';
const FORMAT_VERSION = 1;

const count = z.int().min(0);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const state = z.strictObject({
  format_version: z.literal(FORMAT_VERSION),
  destination: z.string(),
  seqno: count,
  catalogs: z.array(
    z.strictObject({
      number: count,
      seqno: count,
      wall_clock_ms: count,
      text: z.string(),
      is_shipped: z.boolean(),
    }),
  ),
  shards: z.array(z.strictObject({ shard: count, through: count, chain: hash })),
});

export type StreamState = Omit<z.output<typeof state>, 'format_version'>;
export type StreamedCatalog = StreamState['catalogs'][number];

export function encodeStreamState(contents: StreamState): string {
  return `${JSON.stringify(state.parse({ format_version: FORMAT_VERSION, ...contents }), null, 1)}\n`;
}

/** Undefined when it cannot be understood: the stream begins anew, which loses nothing that was shipped. */
export function decodeStreamState(text: string): StreamState | undefined {
  try {
    const { format_version: _, ...contents } = state.parse(JSON.parse(text));
    return contents;
  } catch {
    return undefined;
  }
}
