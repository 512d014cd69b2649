/**
 * What of the configuration may be shown to people: everything but the keys that the schema marks as secrets, and passwords
 * in URLs. Whoever shows settings, to an operator, in a log or in a diagnostic archive, goes by this file. Pure functions.
 */
import { HIDDEN, hideUrlPasswords, soundsSecret } from '../base/secret-names.js';
import { type ConfigValue, describeConfig, type KeyInfo } from './schema.js';

/** Whether there is a secret may be known. */
export function shownValue<Value>({ isSecret }: Pick<KeyInfo, 'isSecret'>, value: Value): Value | string {
  if (isSecret) return value === '' || value === null ? value : HIDDEN;
  return typeof value === 'string' ? hideUrlPasswords(value) : value;
}

/** By section and key, as the configuration is. */
export function shownConfig(config: object): Record<string, Record<string, ConfigValue>> {
  const sections = describeConfig().map(({ name, keys }) => {
    const values = (config as Readonly<Record<string, Readonly<Record<string, ConfigValue>>>>)[name];
    return [name, Object.fromEntries(keys.map((key) => [key.name, shownValue(key, values[key.name])]))];
  });
  return Object.fromEntries(sections);
}

/** Names under which settings are met: `section.key`, the variable, and the key alone. */
const SETTINGS: ReadonlyMap<string, boolean> = settingNames();

function settingNames(): Map<string, boolean> {
  const names = new Map<string, boolean>();
  for (const { keys } of describeConfig())
    for (const { path, environment, name, isSecret } of keys)
      for (const each of [path, environment, name]) names.set(each, isSecret || names.get(each) === true);
  return names;
}

/** Of a field or variable: as the schema says where it is one of ours, else by how it sounds. */
export function isSecretField(name: string, value: unknown): boolean {
  return SETTINGS.get(name) ?? soundsSecret(name, value);
}

/** A copy of variables without the values of those that are secrets. */
export function withoutSecrets(values: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      isSecretField(name, value) ? HIDDEN : hideUrlPasswords(value),
    ]),
  );
}
