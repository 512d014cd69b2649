/** Columns of Parquet: names and the narrowest types that hold every value that was looked at (parquet-types.ts). */
import { decodeString, decodeText } from '../json/text.js';
import { ABSENT, ColumnValues, collectNames, ID_COLUMN, withId } from './columns.js';
import type { ExportColumn } from './export-state.js';
import { type ColumnContents, kindOf, typeOfContents, widen } from './parquet-types.js';
import type { TableShape } from './table-shape.js';

const QUOTE = 0x22;

export class TypedColumns implements TableShape {
  readonly isSettled = false;
  private readonly types = new Map<string, ColumnContents>();
  private readonly names: Set<string>;
  private values: ColumnValues;

  /** `fields`: dotted paths that were asked for; undefined: all members. */
  constructor(private readonly fields: readonly string[] | undefined) {
    this.names = new Set(withId(fields ?? []));
    this.values = new ColumnValues([...this.names], fields !== undefined);
  }

  observe(document: Buffer): void {
    if (this.values.read(document) !== undefined) {
      collectNames(document, this.names);
      this.values = new ColumnValues([...this.names], this.fields !== undefined);
      this.values.read(document);
    }
    const { names, starts, ends } = this.values;
    for (let index = 0; index < names.length; index++) {
      if (starts[index] === ABSENT) continue;
      const text = decodeText(document, starts[index], ends[index]);
      const decoded =
        document[starts[index]] === QUOTE
          ? decodeString(document, starts[index] + 1, ends[index] - 1)
          : undefined;
      const type = widen(this.types.get(names[index]), kindOf(text, decoded));
      if (type !== undefined) this.types.set(names[index], type);
    }
  }

  columns(): ExportColumn[] {
    // An _id is a text, also where all of them look like points in time.
    return [...this.names].map((name) => ({
      name,
      type: name === ID_COLUMN ? 'STRING' : typeOfContents(this.types.get(name)),
    }));
  }
}
