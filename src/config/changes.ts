/**
 * What operators have changed through PATCH /admin/config: kept in the data directory, read by every start between the
 * configuration file and the environment. The main thread of a server writes the file; starts and `lumadb config show`
 * read it.
 *
 * File: {"format_version":1,"changes":{"logging.level":"debug"}}, keys as `section.key`. Written anew as a whole.
 */
export const CONFIG_CHANGES_FILE = 'config-changes.json';
const FORMAT_VERSION = 1;

/** `section.key` → value; unchecked. */
export type ConfigChanges = Readonly<Record<string, unknown>>;

/** Throws an Error that says what is wrong with the text. */
export function parseChanges(text: string): ConfigChanges {
  const value: unknown = JSON.parse(text);
  if (!isObject(value)) throw new Error('it is no JSON object');
  if (value.format_version !== FORMAT_VERSION) throw new Error(`format_version is not ${FORMAT_VERSION}`);
  if (!isObject(value.changes)) throw new Error('changes is no JSON object');
  return value.changes;
}

export function changesText(changes: ConfigChanges): string {
  return `${JSON.stringify({ format_version: FORMAT_VERSION, changes }, null, 2)}\n`;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
