/**
 * Reads the configuration: a TOML file, then what operators have changed at run time (changes.ts), then the environment,
 * then the command line; later ones win. Collects every problem before it gives up, so that an operator fixes a file once
 * and not once a line.
 */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { assert } from '../base/assert.js';
import { DbError } from '../base/errors.js';
import { CONFIG_CHANGES_FILE, type ConfigChanges, parseChanges } from './changes.js';
import { nearest } from './nearest.js';
import { type KeyPositions, locateKeys, type Position } from './positions.js';
import { type RelationFault, relationFaults } from './relations.js';
import {
  type Config,
  type ConfigOverrides,
  type ConfigValue,
  configSchema,
  defaultConfig,
  describeConfig,
  type KeyInfo,
  type SectionInfo,
} from './schema.js';
import { inactiveWarnings, memoryWarnings } from './warnings.js';

/** Where a configuration is looked for when nobody names a file. */
export const CONFIG_FILES_DEFAULT: readonly string[] = ['config.toml', '/etc/lumadb/config.toml'];
/** A configuration larger than this is something else. */
export const CONFIG_FILE_BYTES_MAX = 1024 * 1024;

export interface LoadOptions {
  /** A file that must exist. Without it the first of `lookup` that exists is read, or none. */
  readonly file?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the command line says; wins over file and environment. */
  readonly overrides?: ConfigOverrides;
  readonly lookup?: readonly string[];
  /** Changes made at run time; 'stored' reads those of the data directory that all else leads to. Default: none. */
  readonly changes?: 'stored' | ConfigChanges;
}

export type KeyOrigin =
  | { readonly from: 'default' }
  | { readonly from: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly from: 'change' }
  | { readonly from: 'environment'; readonly variable: string }
  | { readonly from: 'command line' };

/** Where a value comes from, for people. */
export function originText(origin: KeyOrigin): string {
  if (origin.from === 'file') return `${origin.file}:${origin.line}`;
  if (origin.from === 'change') return 'PATCH /admin/config';
  return origin.from === 'environment' ? origin.variable : origin.from;
}

export interface ConfigSource {
  /** The file that was read, or null when there was none. */
  readonly file: string | null;
  /** `section.key` → where its value comes from; has every key. */
  readonly keys: ReadonlyMap<string, KeyOrigin>;
  /** Only what somebody set: the configuration as given, without defaults. */
  readonly given: ConfigOverrides;
}

export interface ConfigProblem {
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  readonly message: string;
  /** `file:line:column: message`, or `environment: message`. */
  readonly text: string;
}

export interface LoadedConfig {
  readonly config: Config;
  readonly warnings: readonly string[];
  readonly source: ConfigSource;
}

export interface ConfigCheck {
  readonly problems: readonly ConfigProblem[];
  /** Null exactly when there are problems. */
  readonly loaded: LoadedConfig | null;
  readonly file: string | null;
}

type Given = Map<string, { readonly value: ConfigValue; readonly origin: KeyOrigin }>;

const inFile = (file: string, position: Position | null, message: string): ConfigProblem => ({
  file,
  line: position?.line ?? 1,
  column: position?.column ?? 1,
  message,
  text: `${file}:${position?.line ?? 1}:${position?.column ?? 1}: ${message}`,
});

const outsideFile = (where: string, message: string): ConfigProblem => ({
  file: null,
  line: null,
  column: null,
  message,
  text: `${where}: ${message}`,
});

/** `a text ("abc")`: what was found, for messages; never long. */
function describeValue(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 60 ? `${value.slice(0, 57)}...` : value);
  if (Array.isArray(value)) return 'an array';
  if (value instanceof Date) return 'a date';
  if (typeof value === 'object' && value !== null) return 'a table';
  return String(value);
}

export function valueMessage(key: KeyInfo, name: string, value: unknown): string {
  // Most of it may be right.
  if (key.isSecret) return `${name} must be ${key.allowed}; got something else`;
  const meant = typeof value === 'string' ? nearest(value, key.choices) : null;
  const hint = meant === null ? '' : `; did you mean ${JSON.stringify(meant)}?`;
  return `${name} must be ${key.allowed}; got ${describeValue(value)}${hint}`;
}

const isTable = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);

/** One pass over all sources. Mutable while it collects; nothing of it escapes. */
class Collector {
  readonly problems: ConfigProblem[] = [];
  readonly warnings: string[] = [];
  readonly given: Given = new Map();
  private readonly sections: readonly SectionInfo[] = describeConfig();
  private readonly keys: readonly KeyInfo[] = this.sections.flatMap((section) => section.keys);

  readFile(file: string): void {
    const toml = this.readText(file);
    if (toml === null) return;
    let root: Readonly<Record<string, unknown>>;
    try {
      root = parse(toml);
    } catch (error) {
      if (!(error instanceof TomlError)) throw error;
      const reason = (error.message.split('\n')[0] ?? '').replace('Invalid TOML document: ', '');
      this.problems.push(inFile(file, error, `not valid TOML: ${reason}`));
      return;
    }
    const positions = locateKeys(toml);
    for (const [name, value] of this.sectionsIn(root)) this.readSection(file, positions, name, value);
  }

  /** The tables of the file by the names of sections: `[backup.schedule]` is one of its own. */
  private *sectionsIn(root: Readonly<Record<string, unknown>>): Generator<readonly [string, unknown]> {
    for (const [name, value] of Object.entries(root)) {
      const inner = isTable(value)
        ? Object.keys(value).filter((key) =>
            this.sections.some((section) => section.name === `${name}.${key}`),
          )
        : [];
      if (!isTable(value) || inner.length === 0) {
        yield [name, value];
        continue;
      }
      for (const key of inner) yield [`${name}.${key}`, value[key]];
      yield [name, Object.fromEntries(Object.entries(value).filter(([key]) => !inner.includes(key)))];
    }
  }

  private readText(file: string): string | null {
    try {
      const stats = statSync(file);
      if (!stats.isFile()) throw new Error('it is not a regular file');
      if (stats.size > CONFIG_FILE_BYTES_MAX) {
        throw new Error(`it has ${stats.size} bytes, and a configuration at most ${CONFIG_FILE_BYTES_MAX}`);
      }
      // The decoder drops a byte order mark and refuses what is not UTF-8.
      return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      const reason =
        code === 'ENOENT'
          ? 'there is no such file'
          : code === 'EACCES'
            ? 'no permission to read it'
            : code === 'ERR_ENCODING_INVALID_ENCODED_DATA'
              ? 'it is not UTF-8 text'
              : (error as Error).message;
      this.problems.push({ ...outsideFile(file, `cannot read the configuration: ${reason}`), file });
      return null;
    }
  }

  private readSection(file: string, positions: KeyPositions, name: string, value: unknown): void {
    const path = name.split('.');
    const position = positions.of(path);
    const section = this.sections.find((candidate) => candidate.name === name);
    if (section === undefined) {
      this.problems.push(inFile(file, position, this.unknownSection(name)));
      return;
    }
    if (!isTable(value)) {
      const message = `${name} is a section: write [${name}] and its keys below; got ${describeValue(value)}`;
      this.problems.push(inFile(file, position, message));
      return;
    }
    for (const [keyName, keyValue] of Object.entries(value)) {
      const at = positions.of([...path, keyName]) ?? position;
      const key = section.keys.find((candidate) => candidate.name === keyName);
      if (key === undefined) {
        const message = isTable(keyValue)
          ? this.unknownSection(`${name}.${keyName}`)
          : this.unknownKey(section, keyName);
        this.problems.push(inFile(file, at, message));
      } else if (!key.accepts(keyValue)) {
        this.problems.push(inFile(file, at, valueMessage(key, key.path, keyValue)));
      } else {
        const origin: KeyOrigin = { from: 'file', file, line: at?.line ?? 1, column: at?.column ?? 1 };
        this.given.set(key.path, { value: keyValue as ConfigValue, origin });
      }
    }
  }

  private unknownSection(name: string): string {
    const names = this.sections.map((section) => section.name);
    const home = this.keys.find((key) => key.name === name);
    if (home !== undefined)
      return `unknown section "${name}"; ${name} is a key of [${home.section}]: move it there`;
    const meant = nearest(name, names);
    if (meant !== null) return `unknown section "${name}"; did you mean [${meant}]?`;
    return `unknown section "${name}"; the sections are ${names.join(', ')}`;
  }

  private unknownKey(section: SectionInfo, name: string): string {
    const what = `unknown key "${name}" in [${section.name}]`;
    const here = nearest(
      name,
      section.keys.map((key) => key.name),
    );
    if (here !== null) return `${what}; did you mean ${here}?`;
    const meant = nearest(
      name,
      this.keys.map((key) => key.name),
    );
    const elsewhere = this.keys.find((key) => key.name === meant);
    if (elsewhere !== undefined) return `${what}; did you mean ${elsewhere.name} in [${elsewhere.section}]?`;
    return `${what}; its keys are ${section.keys.map((key) => key.name).join(', ')}`;
  }

  readEnvironment(env: LoadOptions['env']): void {
    const known = new Map(this.keys.map((key) => [key.environment, key]));
    const flattened = new Map(this.keys.map((key) => [key.environment.replace('__', '_'), key]));
    for (const [variable, text] of Object.entries(env)) {
      if (text === undefined || !variable.startsWith('LUMADB_')) continue;
      const key = known.get(variable);
      if (key !== undefined) this.readVariable(key, text);
      else if (variable.includes('__')) {
        const meant = nearest(variable, known.keys());
        const hint = meant === null ? 'they read LUMADB_SECTION__KEY' : `did you mean ${meant}?`;
        this.problems.push(outsideFile('environment', `unknown variable ${variable}; ${hint}`));
      } else if (flattened.has(variable)) {
        const meant = flattened.get(variable)?.environment;
        this.warnings.push(`environment: ${variable} has no effect; ${meant} (two underscores) would have`);
      }
    }
  }

  private readVariable(key: KeyInfo, text: string): void {
    const value = parseVariable(key, text);
    if (value === null || !key.accepts(value)) {
      this.problems.push(outsideFile('environment', valueMessage(key, key.environment, text)));
      return;
    }
    this.given.set(key.path, { value, origin: { from: 'environment', variable: key.environment } });
  }

  readOverrides(overrides: ConfigOverrides): void {
    for (const [sectionName, section] of Object.entries(overrides)) {
      for (const [name, value] of Object.entries(section ?? {})) {
        if (value === undefined) continue;
        const path = `${sectionName}.${name}`;
        const key = this.keys.find((candidate) => candidate.path === path);
        if (key === undefined) this.problems.push(outsideFile('command line', `unknown key ${path}`));
        else if (!key.accepts(value)) {
          this.problems.push(outsideFile('command line', valueMessage(key, path, value)));
        } else this.given.set(path, { value: value as ConfigValue, origin: { from: 'command line' } });
      }
    }
  }

  /** Changes made at run time give way to the environment and the command line, which are read before. */
  readChanges(changes: ConfigChanges, where: string): void {
    for (const [path, value] of Object.entries(changes)) {
      const key = this.keys.find((candidate) => candidate.path === path);
      const from = this.given.get(path)?.origin.from ?? 'default';
      if (key === undefined) this.problems.push(outsideFile(where, `unknown key ${path}`));
      else if (!key.accepts(value)) this.problems.push(outsideFile(where, valueMessage(key, path, value)));
      else if (from === 'default' || from === 'file')
        this.given.set(path, { value: value as ConfigValue, origin: { from: 'change' } });
    }
  }

  readStoredChanges(): void {
    const dataDirectory = this.given.get('storage.data_dir')?.value ?? defaultConfig().storage.data_dir;
    const file = join(String(dataDirectory), CONFIG_CHANGES_FILE);
    if (!existsSync(file)) return;
    try {
      this.readChanges(parseChanges(readFileSync(file, 'utf8')), file);
    } catch (error) {
      const advice = 'correct it, or remove it to go by the configuration file alone';
      this.problems.push(outsideFile(file, `cannot be read: ${(error as Error).message}; ${advice}`));
    }
  }

  /** Null when the keys are fine one by one but do not go together; the problems say how. */
  finish(file: string | null): LoadedConfig | null {
    const given: Record<string, Record<string, ConfigValue>> = {};
    const origins = new Map<string, KeyOrigin>();
    for (const section of this.sections) given[section.name] = {};
    for (const key of this.keys) {
      const entry = this.given.get(key.path);
      origins.set(key.path, entry?.origin ?? { from: 'default' });
      if (entry !== undefined) Object.assign(given[key.section] ?? {}, { [key.name]: entry.value });
    }
    const config = configSchema.parse(given);
    for (const fault of relationFaults(config)) this.reportRelation(fault);
    if (this.problems.length > 0) return null;
    const asGiven = given as ConfigOverrides;
    const warnings = [...this.warnings, ...inactiveWarnings(asGiven), ...memoryWarnings(config)];
    return { config, warnings, source: { file, keys: origins, given: asGiven } };
  }

  /** At the place of the first key that somebody set: with defaults alone there is no fault. */
  private reportRelation({ paths, message }: RelationFault): void {
    const origin = paths.map((path) => this.given.get(path)?.origin).find((found) => found !== undefined);
    assert(origin !== undefined, () => `the defaults of ${paths.join(' and ')} do not go together`);
    if (origin.from === 'file') this.problems.push(inFile(origin.file, origin, message));
    else this.problems.push(outsideFile(origin.from, message));
  }
}

/** The text of an environment variable or an argument as the key's type, or null when it cannot be one. */
export function parseVariable(key: KeyInfo, text: string): ConfigValue | null {
  if (key.kind === 'string' || key.kind === 'choice') return text;
  if (key.kind === 'integer') return /^[+-]?\d+(_\d+)*$/.test(text) ? Number(text.replaceAll('_', '')) : null;
  if (key.kind === 'list')
    return text
      .split(',')
      .map((item) => item.trim())
      .filter((item) => item !== '');
  if (text === 'true' || text === 'false') return text === 'true';
  return key.kind === 'boolean-or-choice' ? text : null;
}

/** Reads everything and reports every problem instead of throwing. */
export function checkConfig(options: LoadOptions): ConfigCheck {
  const collector = new Collector();
  const file =
    options.file ?? (options.lookup ?? CONFIG_FILES_DEFAULT).find((path) => existsSync(path)) ?? null;
  if (file !== null) collector.readFile(file);
  collector.readEnvironment(options.env);
  collector.readOverrides(options.overrides ?? {});
  const { changes = {} } = options;
  if (changes === 'stored') collector.readStoredChanges();
  else collector.readChanges(changes, 'changes');
  const { problems } = collector;
  const loaded = problems.length === 0 ? collector.finish(file) : null;
  return { problems, loaded, file };
}

/** Throws DbError('CONFIG') that lists every problem, one a line; `details` has their number and the first one's place. */
export function loadConfig(options: LoadOptions): LoadedConfig {
  const { problems, loaded } = checkConfig(options);
  const first = problems[0];
  if (loaded !== null) return loaded;
  throw new DbError('CONFIG', problems.map((problem) => problem.text).join('\n'), {
    problems: problems.length,
    file: first?.file ?? null,
    line: first?.line ?? null,
    column: first?.column ?? null,
  });
}

/** The directory of the log files, with the default filled in. */
export const logDirectory = (config: Config): string =>
  config.logging.directory === '' ? join(config.storage.data_dir, 'logs') : config.logging.directory;
