/**
 * The tables that one job writes, one after the other: a sorted run. Files get temporary names; they and their names are
 * durable when finish() returned. After an error call abandon(): it removes them all. One thread.
 */
import { assert } from '../base/assert.js';
import type { Entry } from '../iter/entry-cursor.js';
import type { TableInfo } from '../manifest/table-info.js';
import { type CodecName, codecByName } from '../sst/codec.js';
import { temporaryTableName } from '../sst/table-names.js';
import { TableWriter } from '../sst/table-writer.js';
import { unlinkQuietly } from '../vfs/transfer.js';
import type { Vfs } from '../vfs/vfs.js';
import type { FileNumberRange, TableOptions } from './job-types.js';

export interface TableSeriesOptions {
  readonly vfs: Vfs;
  readonly directory: string;
  readonly fileNumbers: FileNumberRange;
  readonly level: number;
  readonly run: number;
  readonly codec: CodecName;
  readonly tables: TableOptions;
}

export class TableSeries {
  private writer: TableWriter | undefined;
  private readonly finished: TableInfo[] = [];
  private nextNumber: number;

  /** Bytes that went to files so far. */
  bytesWritten = 0;
  entriesWritten = 0;

  constructor(private readonly options: TableSeriesOptions) {
    assert(options.fileNumbers.count > 0, 'a job has a file number');
    this.nextNumber = options.fileNumbers.first;
  }

  /** Whether the table being written has its size. The caller decides where it ends: never between versions of a key. */
  get isFull(): boolean {
    return this.writer !== undefined && this.writer.fileBytes >= this.options.tables.tableSizeBytes;
  }

  /** The next entry in order. */
  add(entry: Entry): void {
    this.writer ??= this.openWriter();
    this.writer.add(entry);
    this.entriesWritten++;
  }

  /**
   * Ends the table being written, if there is one and another file number is left: when numbers run out, the last
   * table grows instead.
   */
  cut(): void {
    const { first, count } = this.options.fileNumbers;
    if (this.nextNumber < first + count) this.finishTable();
  }

  /** Ends the last table and makes the names of all durable. */
  finish(): TableInfo[] {
    this.finishTable();
    if (this.finished.length > 0) this.options.vfs.syncDirectory(this.options.directory);
    return this.finished;
  }

  /** Removes every file of the series. Never throws: what cannot be removed has a name that start-up removes. */
  abandon(): void {
    this.writer?.abandon();
    this.writer = undefined;
    for (const { fileNumber } of this.finished.splice(0)) {
      unlinkQuietly(this.options.vfs, this.pathOf(fileNumber));
    }
  }

  private openWriter(): TableWriter {
    const { vfs, codec, tables } = this.options;
    const fileNumber = this.nextNumber++;
    return new TableWriter({
      vfs,
      path: this.pathOf(fileNumber),
      fileNumber,
      codec: codecByName(codec),
      blockSizeBytes: tables.blockSizeBytes,
      bloomBitsPerKey: tables.bloomBitsPerKey,
      onBytes: (count) => {
        this.bytesWritten += count;
      },
    });
  }

  private finishTable(): void {
    const { writer } = this;
    if (writer === undefined) return;
    const table = writer.finish();
    this.writer = undefined;
    this.finished.push({
      ...table,
      fileNumber: this.nextNumber - 1,
      level: this.options.level,
      run: this.options.run,
    });
  }

  private pathOf(fileNumber: number): string {
    return `${this.options.directory}/${temporaryTableName(fileNumber)}`;
  }
}
