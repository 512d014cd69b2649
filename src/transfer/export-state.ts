/** What an export remembers of itself: how much of the part file counts, and the last document in it. */
import { z } from 'zod';

const count = z.number().int().nonnegative();

export const exportStateSchema = z.strictObject({
  kind: z.literal('lumadb-export'),
  version: z.literal(1),
  /** What has to be the same for an export to go on. */
  run: z.record(z.string(), z.unknown()),
  /** Of CSV and Parquet, once they are known; types of Parquet only. */
  columns: z.array(z.strictObject({ name: z.string(), type: z.string().nullable() })).nullable(),
  /** `_id` of the last document that was looked at; null before the first. */
  cursor: z.string().nullable(),
  documents: count,
  rejected: count,
  bytes: count,
  rejects_bytes: count,
  /** Snapshots of the server that the file is made of. */
  snapshots: count,
  /** See FormatWriter. */
  writer: z.string().nullable(),
});

export type ExportState = z.infer<typeof exportStateSchema>;
export type ExportColumn = NonNullable<ExportState['columns']>[number];

export function newExportState(run: Readonly<Record<string, unknown>>): ExportState {
  return {
    kind: 'lumadb-export',
    version: 1,
    run: { ...run },
    columns: null,
    cursor: null,
    documents: 0,
    rejected: 0,
    bytes: 0,
    rejects_bytes: 0,
    snapshots: 0,
    writer: null,
  };
}
