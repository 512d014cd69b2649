/** `--types a:int,b:text`: what columns are, when an importer is told. Pure. */
import { DbError } from '../base/errors.js';

export const CSV_TYPES = ['auto', 'text', 'int', 'number', 'bool', 'json', 'timestamp', 'skip'] as const;
export type CsvType = (typeof CSV_TYPES)[number];

/** `*` stands for all columns that are not named. */
const OTHERS = '*';

export class ColumnTypes {
  private constructor(private readonly types: ReadonlyMap<string, CsvType>) {}

  static readonly none = new ColumnTypes(new Map());

  /** Throws DbError('VALIDATION'). A colon belongs to the name, except the last one. */
  static parse(text: string): ColumnTypes {
    const types = new Map<string, CsvType>();
    for (const part of text.split(',')) {
      const colon = part.lastIndexOf(':');
      const type = CSV_TYPES.find((known) => known === part.slice(colon + 1).trim());
      const name = part.slice(0, Math.max(0, colon)).trim();
      if (colon <= 0 || type === undefined) {
        const message = `${JSON.stringify(part)} is not column:type with a type of ${CSV_TYPES.join(', ')}`;
        throw new DbError('VALIDATION', message);
      }
      if (types.has(name)) throw new DbError('VALIDATION', `column ${JSON.stringify(name)} has two types`);
      types.set(name, type);
    }
    return new ColumnTypes(types);
  }

  of(column: string): CsvType {
    return this.types.get(column) ?? this.types.get(OTHERS) ?? 'auto';
  }

  /** Names that are none of `columns`: most likely misspelt. */
  unknown(columns: readonly string[]): string[] {
    return [...this.types.keys()].filter((name) => name !== OTHERS && !columns.includes(name));
  }

  /** For comparing two runs. */
  toString(): string {
    return [...this.types].map(([name, type]) => `${name}:${type}`).join(',');
  }
}
