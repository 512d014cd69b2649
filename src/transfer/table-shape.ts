/** Finds the columns of an export out of documents, and for Parquet their types. */
import { collectNames, withId } from './columns.js';
import type { ExportColumn } from './export-state.js';

export interface TableShape {
  /** No document has to be looked at. */
  readonly isSettled: boolean;
  observe(document: Buffer): void;
  columns(): ExportColumn[];
}

/** Columns of CSV: names alone. */
export class NamedColumns implements TableShape {
  private readonly names: Set<string>;

  /** `fields`: what was asked for, or undefined. */
  constructor(private readonly fields: readonly string[] | undefined) {
    this.names = new Set(fields);
  }

  get isSettled(): boolean {
    return this.fields !== undefined;
  }

  observe(document: Buffer): void {
    if (this.fields === undefined) collectNames(document, this.names);
  }

  columns(): ExportColumn[] {
    return withId(this.names).map((name) => ({ name, type: null }));
  }
}
