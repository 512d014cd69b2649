/** The writer of a format, and how its columns are found. */
import { assert } from '../base/assert.js';
import { CsvWriter } from './csv-writer.js';
import type { ExportState } from './export-state.js';
import type { FormatWriter } from './format-writer.js';
import type { Format } from './formats.js';
import { JsonlWriter } from './jsonl-writer.js';
import { NamedColumns, type TableShape } from './table-shape.js';
import { TypedColumns } from './typed-columns.js';

export interface WriterOptions {
  readonly format: Format;
  /** Dotted paths; undefined: whole documents. */
  readonly fields: readonly string[] | undefined;
  readonly delimiter: string;
}

/** Undefined for a format without columns. */
export function shapeOf({ format, fields }: WriterOptions): TableShape | undefined {
  if (format === 'jsonl') return undefined;
  return format === 'csv' ? new NamedColumns(fields) : new TypedColumns(fields);
}

/** `state` knows the columns, and what an earlier run has written. */
export async function openWriter(options: WriterOptions, state: ExportState): Promise<FormatWriter> {
  const { format, fields, delimiter } = options;
  if (format === 'jsonl') return new JsonlWriter(fields);
  const { columns } = state;
  assert(columns !== null, 'a table is written before its columns are known');
  const areFields = fields !== undefined;
  if (format === 'csv') {
    const names = columns.map(({ name }) => name);
    return new CsvWriter({ columns: names, areFields, delimiter, writesHeader: state.bytes === 0 });
  }
  const { ParquetFormatWriter } = await import('./parquet-writer.js');
  return new ParquetFormatWriter(columns, areFields, state.writer ?? undefined);
}
