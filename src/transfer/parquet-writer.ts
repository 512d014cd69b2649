/**
 * Parquet by hyparquet-writer: one row group a block, snappy, columns that may be null. The library keeps the metadata
 * of all row groups in memory for the footer; the memento is that, so that an export can go on behind any row group.
 */
import { deserialize, serialize } from 'node:v8';
import type { SchemaElement } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { DbError } from '../base/errors.js';
import { decodeString, decodeText } from '../json/text.js';
import { ABSENT, ColumnValues } from './columns.js';
import type { ExportColumn } from './export-state.js';
import type { FormatWriter, Misfit } from './format-writer.js';
import { PARQUET_TYPES, type ParquetColumnType, parquetValue } from './parquet-types.js';

const QUOTE = 0x22;
const encoder = new TextEncoder();
/** A row group has at most this many documents, or this much text of documents. */
const GROUP_ROWS = 50_000;
const GROUP_BYTES = 16 * 1024 * 1024;

/** Fields of ParquetWriter that the footer is made of. */
interface Memento {
  readonly row_groups: ParquetWriter['row_groups'];
  readonly num_rows: bigint;
  readonly pendingIndexes: ParquetWriter['pendingIndexes'];
  readonly offset: number;
}

export class ParquetFormatWriter implements FormatWriter {
  private readonly bytes = new ByteWriter();
  private readonly parquet: ParquetWriter;
  private readonly values: ColumnValues;
  private readonly types: readonly ParquetColumnType[];
  private rows: unknown[][];
  private rowCount = 0;
  private rowBytes = 0;

  /** `memento`: of a writer of an earlier run. */
  constructor(columns: readonly ExportColumn[], areFields: boolean, memento: string | undefined) {
    const names = columns.map(({ name }) => name);
    this.values = new ColumnValues(names, areFields);
    this.types = columns.map(({ type }) => typeNamed(type));
    this.rows = columns.map(() => []);
    this.parquet = new ParquetWriter({
      writer: this.bytes,
      schema: schemaOf(names, this.types),
      createdBy: 'lumadb',
    });
    if (memento !== undefined) this.restore(memento);
  }

  get isBlockFull(): boolean {
    return this.rowCount >= GROUP_ROWS || this.rowBytes >= GROUP_BYTES;
  }

  add(document: Buffer): Misfit | undefined {
    const { values, types, rows } = this;
    const unknown = values.read(document);
    if (unknown !== undefined) {
      return { code: 'UNKNOWN_FIELD', message: `the member ${JSON.stringify(unknown)} is no column` };
    }
    const row: unknown[] = [];
    for (let index = 0; index < types.length; index++) {
      const value = this.value(document, index);
      if (value === undefined) {
        const message = `${values.names[index]} is ${types[index]}, and a value is not`;
        return { code: 'BAD_TYPE', message };
      }
      row.push(value);
    }
    for (let index = 0; index < row.length; index++) rows[index].push(row[index]);
    this.rowCount++;
    this.rowBytes += document.length;
    return undefined;
  }

  takeBlock(): Uint8Array {
    if (this.rowCount > 0) this.writeGroup();
    return this.takeBytes();
  }

  end(): Uint8Array {
    if (this.rowCount > 0) this.writeGroup();
    // Only now: the library would parse the texts of a column that says so, and write them in its own way.
    for (const element of this.parquet.schema) {
      if (element.logical_type?.type === 'JSON') element.converted_type = 'JSON';
    }
    this.parquet.finish();
    return this.takeBytes();
  }

  memento(): string {
    const { row_groups, num_rows, pendingIndexes } = this.parquet;
    const kept: Memento = { row_groups, num_rows, pendingIndexes, offset: this.bytes.offset };
    return serialize(kept).toString('base64');
  }

  private restore(memento: string): void {
    const kept = deserialize(Buffer.from(memento, 'base64')) as Memento;
    this.parquet.row_groups = kept.row_groups;
    this.parquet.num_rows = kept.num_rows;
    this.parquet.pendingIndexes = kept.pendingIndexes;
    // What the constructor has written is in the file already.
    this.bytes.index = 0;
    this.bytes.offset = kept.offset;
  }

  private value(document: Buffer, index: number): unknown {
    const start = this.values.starts[index];
    const end = this.values.ends[index];
    if (start === ABSENT) return null;
    const decoded = document[start] === QUOTE ? decodeString(document, start + 1, end - 1) : undefined;
    const value = parquetValue(this.types[index], decodeText(document, start, end), decoded);
    return this.types[index] === 'JSON' && typeof value === 'string' ? encoder.encode(value) : value;
  }

  private writeGroup(): void {
    const columnData = this.values.names.map((name, index) => ({
      name,
      data: this.rows[index],
      // Bounds of JSON texts say nothing about what they hold.
      statistics: this.types[index] !== 'JSON',
    }));
    this.parquet.write({ columnData, rowGroupSize: this.rowCount });
    this.rows = this.rows.map(() => []);
    this.rowCount = 0;
    this.rowBytes = 0;
  }

  private takeBytes(): Uint8Array {
    const taken = this.bytes.getBytes().slice();
    this.bytes.index = 0;
    return taken;
  }
}

function typeNamed(text: string | null): ParquetColumnType {
  const type = PARQUET_TYPES.find((known) => known === text);
  if (type === undefined) throw new DbError('VALIDATION', `there is no Parquet type ${text}`);
  return type;
}

function schemaOf(names: readonly string[], types: readonly ParquetColumnType[]): SchemaElement[] {
  const columns = names.map(
    (name, index): SchemaElement => ({ name, repetition_type: 'OPTIONAL', ...ELEMENT[types[index]] }),
  );
  return [{ name: 'root', num_children: columns.length }, ...columns];
}

const ELEMENT: Readonly<Record<ParquetColumnType, Omit<SchemaElement, 'name'>>> = {
  BOOLEAN: { type: 'BOOLEAN' },
  INT64: { type: 'INT64' },
  DOUBLE: { type: 'DOUBLE' },
  TIMESTAMP: {
    type: 'INT64',
    converted_type: 'TIMESTAMP_MILLIS',
    logical_type: { type: 'TIMESTAMP', isAdjustedToUTC: true, unit: 'MILLIS' },
  },
  STRING: { type: 'BYTE_ARRAY', converted_type: 'UTF8', logical_type: { type: 'STRING' } },
  JSON: { type: 'BYTE_ARRAY', logical_type: { type: 'JSON' } },
};
