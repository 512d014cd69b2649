/**
 * Which names objects may have, the same for every kind of store: a backup made here can be kept there. Names also come
 * from backups and buckets that others have written, so nothing reaches a store unchecked. Pure functions.
 */
import { DbError } from '../../base/errors.js';

/** S3 allows 1024 bytes with the prefix of the location, which gets the rest. */
const NAME_BYTES_MAX = 700;
/** File systems allow 255; the temporary file of a put needs some more than the name. */
const PART_BYTES_MAX = 200;
const QUOTED_CHARACTERS_MAX = 120;

/** How a local store calls the file of an unfinished put; no object may be called like that in any store. */
const TEMPORARY = /^\..*\.tmp$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
const CONTROL = /[\u0000-\u001f\u007f]/;

export function isTemporaryName(part: string): boolean {
  return TEMPORARY.test(part);
}

export function isObjectName(name: string): boolean {
  return problemOf(name) === undefined;
}

/** Returns the name; throws DbError('VALIDATION') for what cannot be the name of an object or folder. */
export function checkName(name: string): string {
  const problem = problemOf(name);
  if (problem !== undefined) throw invalid('name of an object in a backup store', name, problem);
  return name;
}

/** The beginning of a name: '' or anything that a name can begin with, also in the middle of a part. */
export function checkPrefix(prefix: string): string {
  // What may follow makes it a name: "wal/" and "wal/00" are the beginnings of one.
  const problem = prefix === '' ? undefined : problemOf(`${prefix}x`);
  if (problem !== undefined) throw invalid('prefix of names in a backup store', prefix, problem);
  return prefix;
}

/** '' or the name of a folder with a '/' behind it. */
export function checkFolderPrefix(prefix: string): string {
  if (prefix !== '' && !prefix.endsWith('/')) {
    throw invalid('folder of a backup store', prefix, "it does not end in '/'");
  }
  return checkPrefix(prefix);
}

/** For messages: one line, not too long, whatever the name holds. */
export function quoted(text: string): string {
  const short =
    text.length > QUOTED_CHARACTERS_MAX ? `${text.slice(0, QUOTED_CHARACTERS_MAX).toWellFormed()}…` : text;
  return JSON.stringify(short);
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'it is empty';
  if (name.startsWith('/')) return "it begins with '/'";
  if (name.endsWith('/')) return "it ends in '/'";
  if (name.includes('..')) return "it contains '..'";
  if (name.includes('\\')) return "it contains '\\'";
  if (CONTROL.test(name)) return 'it contains a control character';
  if (!name.isWellFormed()) return 'it is no well-formed Unicode';
  if (Buffer.byteLength(name) > NAME_BYTES_MAX) return `it has more than ${NAME_BYTES_MAX} bytes`;
  for (const part of name.split('/')) {
    if (part === '') return "it contains '//'";
    if (part === '.') return "it contains '.' as a folder";
    if (isTemporaryName(part)) return 'it is called like a temporary file';
    if (Buffer.byteLength(part) > PART_BYTES_MAX) return `a part of it has more than ${PART_BYTES_MAX} bytes`;
  }
  return undefined;
}

function invalid(what: string, name: string, problem: string): DbError {
  return new DbError('VALIDATION', `${quoted(name)} cannot be the ${what}: ${problem}`, {
    name: name.slice(0, QUOTED_CHARACTERS_MAX).toWellFormed(),
  });
}
