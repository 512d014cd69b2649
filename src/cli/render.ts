/** Prints an answer of the server for people: aligned `name  value` lines, and a table for a list of objects. */
import Table from 'cli-table3';
import pc from 'picocolors';

export type Fields = Readonly<Record<string, unknown>>;

export const isFields = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

// What a terminal would obey (colours, cursor movements) must not come from a server. Line ends and tabs are fine.
export const clean = (text: string): string => text.replace(/[^\P{Cc}\n\t]/gu, '?');

function scalar(value: unknown): string {
  if (value === null || value === undefined) return '-';
  if (typeof value === 'string') return clean(value);
  if (typeof value === 'object') return clean(JSON.stringify(value));
  return String(value);
}

export function plainTable(head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const table = new Table({ head: [...head], style: { head: [], border: [], compact: true } });
  for (const row of rows) table.push([...row]);
  return table.toString();
}

function table(rows: readonly Fields[]): string {
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  return plainTable(
    columns.map(clean),
    rows.map((row) => columns.map((column) => scalar(row[column]))),
  );
}

/** The lines of an object; nested objects are indented below their name. */
export function render(fields: Fields, indent = ''): string {
  const width = Math.max(0, ...Object.keys(fields).map((name) => name.length));
  const lines: string[] = [];
  for (const [name, value] of Object.entries(fields)) {
    const label = pc.bold(clean(name).padEnd(width));
    if (isFields(value) && Object.keys(value).length > 0) {
      lines.push(`${indent}${pc.bold(clean(name))}`, render(value, `${indent}  `));
    } else if (Array.isArray(value) && value.length > 0 && value.every(isFields)) {
      lines.push(`${indent}${pc.bold(clean(name))}`, table(value));
    } else lines.push(`${indent}${label}  ${scalar(value)}`);
  }
  return lines.join('\n');
}
