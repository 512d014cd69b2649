/**
 * GET and PATCH /admin/config: what configuration holds, what the next start would use, and changes to both. Live keys are
 * changed in place in the one Config object that the main thread's parts read when they need a value; threads are told
 * by `applyLive`. All other keys stay what they were at the start. Main thread only.
 *
 * A change is checked as a whole, by loading the configuration as the next start will, then written down, and then takes
 * effect: what cannot be kept across a restart is refused.
 */
import type { Logger } from 'pino';
import { DbError } from '../base/errors.js';
import { HIDDEN } from '../base/secret-names.js';
import { CONFIG_CHANGES_FILE, type ConfigChanges, changesText, parseChanges } from '../config/changes.js';
import { readKeyValues } from '../config/key-names.js';
import {
  type ConfigCheck,
  type KeyOrigin,
  type LoadedConfig,
  originText,
  valueMessage,
} from '../config/load.js';
import { type Config, type ConfigValue, describeConfig, type KeyInfo } from '../config/schema.js';
import { shownConfig, shownValue } from '../config/shown-config.js';
import { json } from '../front/control-answer.js';
import type { ControlAnswer } from '../front/control-plane.js';
import type { Vfs } from '../vfs/vfs.js';

export interface ConfigControlOptions {
  /** Of this run. Live keys are changed in it. */
  readonly config: Config;
  /** Loads the configuration as the next start would with these changes. Undefined where there is nothing to load. */
  readonly reload: ((changes: ConfigChanges) => ConfigCheck) | undefined;
  readonly vfs: Vfs;
  readonly dataDirectory: string;
  readonly logger: Logger;
  /** Live keys have changed. Resolves when all threads go by them. */
  readonly applyLive: () => Promise<void>;
}

/** Keys that cannot be changed in this way, and what to do instead. */
const FIXED: ReadonlyMap<string, string> = new Map([
  ['storage.data_dir', 'it is where changes are kept: name it in the configuration file or with --data-dir'],
  ['sharding.shards', 'it is fixed when a data directory is created: lumadb reshard changes it, offline'],
]);

interface Change {
  readonly key: KeyInfo;
  readonly before: ConfigValue;
  readonly after: ConfigValue;
}

export class ConfigControl {
  private readonly keys = describeConfig().flatMap((section) => section.keys);
  private readonly path: string;
  /** The last change under way: one after the other. */
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: ConfigControlOptions) {
    this.path = `${options.dataDirectory}/${CONFIG_CHANGES_FILE}`;
  }

  /** The answer of GET /admin/config. */
  report(): ControlAnswer {
    const changes = this.storedChanges();
    const check = this.options.reload?.(changes);
    const next = check?.loaded ?? null;
    const body = {
      config: shownConfig(this.options.config),
      file: check?.file ?? null,
      sources: next === null ? {} : this.sources(next),
      changes: shownChanges(this.keys, changes),
      pending_restart: next === null ? {} : this.pending(next.config),
      live_keys: this.keys.filter(({ isLive }) => isLive).map(({ path }) => path),
      problems: check?.problems.map(({ text }) => text) ?? [],
    };
    return json(200, body);
  }

  /** What PATCH /admin/config asks for. Throws the DbError that is the answer; nothing has changed then. */
  change(body: Readonly<Record<string, unknown>>): Promise<ControlAnswer> {
    const done = this.last.then(() => this.changeNow(body));
    this.last = done.catch(() => {});
    return done;
  }

  private async changeNow(body: Readonly<Record<string, unknown>>): Promise<ControlAnswer> {
    const wanted = readKeyValues(body);
    if (wanted.size === 0) throw new DbError('VALIDATION', 'no configuration key is given');
    const changes: Record<string, unknown> = { ...this.storedChanges() };
    for (const [key, value] of wanted) {
      requireChangeable(key, value);
      if (value === null) delete changes[key.path];
      else changes[key.path] = value;
    }
    const next = this.load(changes);
    for (const key of wanted.keys()) requireEffect(key, next.source.keys.get(key.path));
    this.options.vfs.writeFileAtomic(this.path, new TextEncoder().encode(changesText(changes)));
    const done = [...wanted.keys()].map((key) => this.apply(key, next.config));
    if (done.some(({ key }) => key.isLive)) await this.options.applyLive();
    const report = changeReport(done);
    for (const { key, before, after, effect } of report.changed) {
      const when = effect === 'live' ? 'at once' : 'at the next start';
      this.options.logger.info({ key, before, after, effect: when }, 'configuration changed');
    }
    return json(200, report);
  }

  /** With the value before as GET showed it; for keys that are not live the running value stays that. */
  private apply(key: KeyInfo, next: Config): Change {
    const { config } = this.options;
    const before = valueIn(config, key);
    const after = valueIn(next, key);
    if (key.isLive) Object.assign(config[key.section], { [key.name]: after });
    return { key, before, after };
  }

  private load(changes: ConfigChanges): LoadedConfig {
    const { reload } = this.options;
    if (reload === undefined)
      throw new DbError('VALIDATION', 'this server was started without a configuration to change');
    const { problems, loaded } = reload(changes);
    if (loaded !== null) return loaded;
    const faults = problems.map(({ text }) => text).join('; ');
    throw new DbError('VALIDATION', `the next start would fail: ${faults}`);
  }

  private storedChanges(): ConfigChanges {
    const { vfs } = this.options;
    if (!vfs.exists(this.path)) return {};
    try {
      return parseChanges(new TextDecoder().decode(vfs.readFile(this.path)));
    } catch (error) {
      throw new DbError('CONFIG', `${this.path} cannot be read: ${(error as Error).message}`);
    }
  }

  private sources({ source }: LoadedConfig): Readonly<Record<string, string>> {
    return Object.fromEntries(
      this.keys.map(({ path }) => [path, originText(source.keys.get(path) ?? { from: 'default' })]),
    );
  }

  private pending(next: Config): Readonly<Record<string, { running: ConfigValue; next_start: ConfigValue }>> {
    const { config } = this.options;
    const differing = this.keys.filter((key) => !isSame(valueIn(config, key), valueIn(next, key)));
    return Object.fromEntries(
      differing.map((key) => [
        key.path,
        { running: shownValue(key, valueIn(config, key)), next_start: shownValue(key, valueIn(next, key)) },
      ]),
    );
  }
}

/** Lists are other ones each time that they are read. */
const isSame = (one: ConfigValue, other: ConfigValue): boolean =>
  JSON.stringify(one) === JSON.stringify(other);

/** Each key was checked by the schema to hold one of these. */
function valueIn(config: Config, { section, name }: KeyInfo): ConfigValue {
  return (config[section] as Readonly<Record<string, ConfigValue>>)[name];
}

function shownChanges(keys: readonly KeyInfo[], changes: ConfigChanges): ConfigChanges {
  const shown = Object.entries(changes).map(([path, value]) => {
    const key = keys.find((each) => each.path === path);
    // A key of another release: nothing is known of it.
    return [path, key === undefined ? HIDDEN : shownValue(key, value)];
  });
  return Object.fromEntries(shown);
}

function requireChangeable(key: KeyInfo, value: unknown): void {
  const instead = FIXED.get(key.path);
  const details = { field: key.path };
  if (instead !== undefined)
    throw new DbError('VALIDATION', `${key.path} cannot be changed here: ${instead}`, details);
  if (value !== null && !key.accepts(value))
    throw new DbError('VALIDATION', valueMessage(key, key.path, value), details);
}

/** A change that something else overrules would look as if it had worked. */
function requireEffect(key: KeyInfo, origin: KeyOrigin | undefined): void {
  if (origin?.from !== 'environment' && origin?.from !== 'command line') return;
  const where = origin.from === 'environment' ? `the environment (${origin.variable})` : 'the command line';
  throw new DbError('CONFLICT', `${key.path} is set by ${where}, which goes before: change it there`, {
    field: key.path,
  });
}

function changeReport(changes: readonly Change[]) {
  const needsRestart = changes.some(({ key, before, after }) => !key.isLive && !isSame(before, after));
  return {
    changed: changes.map(({ key, before, after }) => ({
      key: key.path,
      before: shownValue(key, before),
      after: shownValue(key, after),
      effect: key.isLive ? 'live' : 'restart',
    })),
    persisted: true,
    restart_required: needsRestart,
  };
}
