/**
 * Results as JSON text. The table form, `"columns":[…],"rows":[[…],…]`, has to know all columns before the first row: where a
 * document is spread into its members, rows wait until the last of them has been seen, within a limit. The line form has one
 * object per row and nothing has to wait. Values are copied from the documents' text as they are. One thread.
 */
import { MemberTable } from '../../json/member-table.js';
import { skipSpace } from '../../json/members.js';
import { decodeString } from '../../json/text.js';
import type { ResultColumn } from '../algebra/physical.js';
import { PROGRAM_LIMIT_EXCEEDED, sqlError } from '../errors.js';
import { toJsonText } from '../types/text.js';
import { Json, type Row, type SqlValue } from '../types/values.js';

const OPEN_BRACE = 0x7b;
/** Text is handed on when there is about so much of it. */
const CHUNK_UNITS = 64 * 1024;
/** Columns of a result; a collection with ever new members could have any number. */
export const RESULT_COLUMNS_MAX = 10_000;

const LINE_END = /[\n\r]/;
const LINE_ENDS = /[\n\r]/g;

const utf8 = new TextEncoder();

export type ChunkSink = (chunk: Uint8Array) => void;

/** The members of a spread document: names in the order of the text, and the text of each value. */
function forEachMember(value: SqlValue, visit: (name: string, text: string) => void): void {
  if (!(value instanceof Json)) return;
  const bytes = Buffer.from(value.text);
  const start = skipSpace(bytes, 0);
  if (bytes[start] !== OPEN_BRACE) return;
  const table = new MemberTable(bytes, start, null);
  for (let i = 0; i < table.count; i++) {
    const name = decodeString(bytes, table.keyStart[i], table.keyEnd[i]);
    visit(name, bytes.toString('utf8', table.valueStart[i], table.valueEnd[i]));
  }
}

class ChunkWriter {
  private text = '';

  constructor(private readonly sink: ChunkSink) {}

  add(text: string): void {
    this.text += text;
    if (this.text.length >= CHUNK_UNITS) this.flush();
  }

  flush(): void {
    if (this.text.length > 0) this.sink(utf8.encode(this.text));
    this.text = '';
  }
}

export interface TableResultOptions {
  /** Of each spread column, members that come first, whether or not a row has them: what the schema declares. */
  readonly declared?: readonly string[];
  /** Bytes of rows that may wait for the names of the columns. */
  readonly waitingBytesMax: number;
}

/** Writes `"columns":[…],"rows":[…]`, without the braces around it: the caller has more members. */
export class TableResult {
  rowCount = 0;
  private readonly writer: ChunkWriter;
  private readonly isSpread: boolean;
  /** Without spread columns: whether the columns are written. */
  private hasBegun = false;
  /** Of spread columns: the place of each member among the members of its column. */
  private readonly members: readonly (Map<string, number> | undefined)[];
  private readonly waiting: string[][][] = [];
  private waitingBytes = 0;

  constructor(
    private readonly columns: readonly ResultColumn[],
    sink: ChunkSink,
    private readonly options: TableResultOptions,
  ) {
    this.writer = new ChunkWriter(sink);
    this.isSpread = columns.some(({ spread }) => spread);
    this.members = columns.map(({ spread }) =>
      spread ? new Map((options.declared ?? []).map((name, place) => [name, place])) : undefined,
    );
  }

  add(row: Row): void {
    this.rowCount++;
    if (this.isSpread) {
      this.keep(row);
      return;
    }
    this.begin();
    let text = this.rowCount === 1 ? '[' : ',[';
    for (let i = 0; i < this.columns.length; i++) text += (i === 0 ? '' : ',') + toJsonText(row[i]);
    this.writer.add(`${text}]`);
  }

  end(): void {
    if (this.isSpread) {
      this.begin();
      for (const [i, cells] of this.waiting.entries()) this.writer.add(this.spreadRow(cells, i === 0));
    } else this.begin();
    this.writer.add(']');
    this.writer.flush();
  }

  private begin(): void {
    if (this.hasBegun) return;
    this.hasBegun = true;
    this.writer.add(`"columns":${JSON.stringify(this.columnNames())},"rows":[`);
  }

  /** Known to the end only when all rows have been added. */
  columnNames(): string[] {
    return this.columns.flatMap(({ name }, i) => {
      const members = this.members[i];
      return members === undefined ? [name] : [...members.keys()];
    });
  }

  private keep(row: Row): void {
    const cells = this.columns.map((_, i) => {
      const members = this.members[i];
      return members === undefined ? [toJsonText(row[i])] : this.spread(row[i], members);
    });
    for (const texts of cells) for (const text of texts) this.waitingBytes += 16 + (text?.length ?? 0);
    if (this.waitingBytes > this.options.waitingBytesMax) {
      throw sqlError(
        PROGRAM_LIMIT_EXCEEDED,
        `the result of * is larger than ${this.options.waitingBytesMax} bytes; name the columns, add a LIMIT or ask for ndjson`,
      );
    }
    this.waiting.push(cells);
  }

  private spread(value: SqlValue, members: Map<string, number>): string[] {
    const texts: string[] = [];
    forEachMember(value, (name, text) => {
      let place = members.get(name);
      if (place === undefined) {
        place = members.size;
        if (place >= RESULT_COLUMNS_MAX) {
          throw sqlError(PROGRAM_LIMIT_EXCEEDED, `the result has more than ${RESULT_COLUMNS_MAX} columns`);
        }
        members.set(name, place);
      }
      // No holes: places that come later are missing at the end, those before are filled.
      while (texts.length < place) texts.push('null');
      texts[place] = text;
    });
    return texts;
  }

  private spreadRow(cells: readonly (readonly string[])[], isFirst: boolean): string {
    const texts = cells.flatMap((found, i) => {
      const members = this.members[i];
      if (members === undefined || found.length === members.size) return found;
      return [...found, ...new Array<string>(members.size - found.length).fill('null')];
    });
    return `${isFirst ? '' : ','}[${texts.join(',')}]`;
  }
}

/** One object per line. A spread document gives its members in its place; a name that repeats is written again. */
export class LineResult {
  rowCount = 0;
  private readonly writer: ChunkWriter;
  private readonly names: readonly string[];

  constructor(
    private readonly columns: readonly ResultColumn[],
    sink: ChunkSink,
  ) {
    this.writer = new ChunkWriter(sink);
    this.names = columns.map(({ name }) => `${JSON.stringify(name)}:`);
  }

  add(row: Row): void {
    this.rowCount++;
    let text = '';
    const put = (member: string): void => {
      text += text === '' ? `{${member}` : `,${member}`;
    };
    for (let i = 0; i < this.columns.length; i++) {
      if (this.columns[i].spread)
        forEachMember(row[i], (name, value) => put(`${JSON.stringify(name)}:${value}`));
      else put(this.names[i] + toJsonText(row[i]));
    }
    // Documents are copied as they were written: a line end in one stands between tokens, never in a string.
    const line = LINE_END.test(text) ? text.replaceAll(LINE_ENDS, ' ') : text;
    this.writer.add(`${line === '' ? '{' : line}}\n`);
  }

  end(): void {
    this.writer.flush();
  }
}
