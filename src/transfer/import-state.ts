/** What an import remembers of itself: who it is, what it reads, and the place behind the last acknowledged record. */
import { z } from 'zod';
import { BEGINNING, type Place } from './record.js';

const place = z.object({ line: z.number().int().positive(), offset: z.number().int().nonnegative() });
const count = z.number().int().nonnegative();

export const importStateSchema = z.strictObject({
  kind: z.literal('lumadb-import'),
  version: z.literal(1),
  /** Part of the generated `_id`s. */
  import_id: z.string(),
  /** What has to be the same for an import to go on. */
  run: z.record(z.string(), z.unknown()),
  input_bytes: count.nullable(),
  input_head_sha256: z.string().nullable(),
  /** Names of the CSV columns, once they are known. */
  columns: z.array(z.string()).nullable(),
  next: place,
  records: count,
  written: count,
  /** Of those written, found to be there already when they were sent again. */
  found: count,
  rejected: count,
  rejects_bytes: count,
  is_complete: z.boolean(),
});

export type ImportState = z.infer<typeof importStateSchema>;

export function newImportState(
  importId: string,
  run: Readonly<Record<string, unknown>>,
  input: { readonly bytes: number | null; readonly headSha256: string | null },
): ImportState {
  const next: Place = BEGINNING;
  return {
    kind: 'lumadb-import',
    version: 1,
    import_id: importId,
    run: { ...run },
    input_bytes: input.bytes,
    input_head_sha256: input.headSha256,
    columns: null,
    next,
    records: 0,
    written: 0,
    found: 0,
    rejected: 0,
    rejects_bytes: 0,
    is_complete: false,
  };
}
