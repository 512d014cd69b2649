/**
 * Finds the keys that a request to change the configuration means. People write them as `section.key`, as nested objects,
 * or alone where that is clear.
 */
import { DbError } from '../base/errors.js';
import { nearest } from './nearest.js';
import { describeConfig, type KeyInfo } from './schema.js';

/** Names that operators use and that are no key by itself. */
const ALIASES: Readonly<Record<string, string>> = {
  log_level: 'logging.level',
  log_format: 'logging.format',
};

/** The keys and the values given for them, unchecked; null stands for "as it was before any change". */
export function readKeyValues(body: Readonly<Record<string, unknown>>): ReadonlyMap<KeyInfo, unknown> {
  const sections = describeConfig();
  const found = new Map<KeyInfo, unknown>();
  for (const [name, value] of Object.entries(body)) {
    const section = sections.find((candidate) => candidate.name === name);
    if (section === undefined) add(found, name, findKey(name), value);
    else {
      if (typeof value !== 'object' || value === null || Array.isArray(value)) {
        const message = `${name} is a section: give an object with its keys`;
        throw new DbError('VALIDATION', message, { field: name });
      }
      for (const [key, keyValue] of Object.entries(value))
        add(found, `${name}.${key}`, findKey(`${name}.${key}`), keyValue);
    }
  }
  return found;
}

function add(found: Map<KeyInfo, unknown>, name: string, key: KeyInfo, value: unknown): void {
  const same = [...found.keys()].find(({ path }) => path === key.path);
  if (same !== undefined) throw new DbError('VALIDATION', `${key.path} is given twice`, { field: name });
  found.set(key, value);
}

/** By its path, or by a shorter name that can mean no other. Throws DbError VALIDATION with the nearest name. */
export function findKey(name: string): KeyInfo {
  const keys = describeConfig().flatMap((section) => section.keys);
  const wanted = Object.hasOwn(ALIASES, name) ? ALIASES[name] : name;
  const exact = keys.find(({ path }) => path === wanted);
  if (exact !== undefined) return exact;
  const alike = keys.filter((key) => key.name === name || `${key.section}_${key.name}` === name);
  if (alike.length === 1) return alike[0];
  const paths = alike.map(({ path }) => path);
  if (paths.length > 1)
    throw new DbError('VALIDATION', `${name} may be ${paths.join(' or ')}: name one`, { field: name });
  const known = [...Object.keys(ALIASES), ...keys.flatMap((key) => [key.path, key.name])];
  const meant = nearest(name, known);
  const hint = meant === null ? 'lumadb config show lists them' : `did you mean ${meant}?`;
  throw new DbError('VALIDATION', `there is no configuration key ${name}; ${hint}`, { field: name });
}
