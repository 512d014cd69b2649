/**
 * Locations: how people name a place for backups. `s3://bucket/prefix`, a path, or a `file://` URL; nothing else, and
 * nothing that could hold a credential. An S3 endpoint is no part of it: that comes from the configuration only, so that
 * who may start a backup cannot make the server talk to any address. Pure functions but for the working directory, which
 * a relative path starts from.
 */
import { basename, dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DbError } from '../../base/errors.js';
import { isObjectName, quoted } from './names.js';

export type Location =
  | { readonly kind: 'local'; readonly path: string }
  | { readonly kind: 's3'; readonly bucket: string; readonly prefix: string };

const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
/** `s3:/bucket` is a slip of the hand, and not the directory "s3:". */
const NEARLY_A_SCHEME = /^(s3|file):/i;
/** Amazon's rule is narrower; other servers allow capitals and '_'. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/;
/** Keys of S3 have at most 1024 bytes, and names below the prefix up to 700. */
const PREFIX_BYTES_MAX = 320;

/** Throws DbError('VALIDATION'). */
export function parseLocation(location: string): Location {
  const scheme = SCHEME.exec(location)?.[1].toLowerCase();
  if (scheme === 's3') return parseS3(location);
  if (scheme === 'file') return parsePath(location, pathOfFileUrl(location));
  if (scheme !== undefined) {
    throw invalid(location, `${scheme}:// is not known; there are s3://, file:// and paths`);
  }
  if (NEARLY_A_SCHEME.test(location)) throw invalid(location, "'://' is missing");
  return parsePath(location, location);
}

/** As it is written in messages, and as openObjectStore() takes it. */
export function urlOf(location: Location): string {
  if (location.kind === 'local') return location.path;
  return `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`;
}

/**
 * The location one folder up and the last name: backups in sibling directories find their parents so. Undefined for a
 * whole bucket and for '/', which nothing is above.
 */
export function parentOf(location: string): { readonly location: string; readonly name: string } | undefined {
  const parsed = parseLocation(location);
  if (parsed.kind === 'local') {
    const parent = dirname(parsed.path);
    return parent === parsed.path ? undefined : { location: parent, name: basename(parsed.path) };
  }
  if (parsed.prefix === '') return undefined;
  const slash = parsed.prefix.lastIndexOf('/');
  return {
    location: urlOf({ ...parsed, prefix: parsed.prefix.slice(0, Math.max(0, slash)) }),
    name: parsed.prefix.slice(slash + 1),
  };
}

function parseS3(location: string): Location {
  const rest = location.slice('s3://'.length);
  // Not shown: what stands before an '@' is a credential most of the time.
  if (rest.includes('@')) throw invalid('s3://…', 'credentials do not belong into a location, nor does an @');
  if (/[?#]/.test(rest)) throw invalid('s3://…', "it contains '?' or '#'");
  const slash = rest.indexOf('/');
  const bucket = slash < 0 ? rest : rest.slice(0, slash);
  if (bucket === '') throw invalid(location, 'it names no bucket');
  if (!BUCKET.test(bucket) || bucket.includes('..')) {
    throw invalid(location, `${quoted(bucket)} cannot be a bucket`);
  }
  const prefix = slash < 0 ? '' : rest.slice(slash + 1).replace(/\/$/, '');
  if (prefix !== '' && !isObjectName(prefix)) {
    throw invalid(location, `${quoted(prefix)} cannot be a prefix of names`);
  }
  if (Buffer.byteLength(prefix) > PREFIX_BYTES_MAX) {
    throw invalid(location, `its prefix has more than ${PREFIX_BYTES_MAX} bytes`);
  }
  return { kind: 's3', bucket, prefix };
}

function pathOfFileUrl(location: string): string {
  // The URL parser would resolve '..' on its way, also when it is escaped: it has to be seen before.
  if (/(^|\/)(\.|%2e){2}(\/|$)/i.test(location)) throw invalid(location, "it contains '..'");
  if (/[?#]/.test(location)) throw invalid(location, "it contains '?' or '#'");
  try {
    return fileURLToPath(location);
  } catch (error) {
    throw invalid(location, (error as Error).message);
  }
}

function parsePath(location: string, path: string): Location {
  if (path === '') throw invalid(location, 'it is empty');
  if (path.includes('\0')) throw invalid(location, 'it contains NUL');
  if (path.split('/').includes('..')) throw invalid(location, "it contains '..'; write the path out");
  return { kind: 'local', path: resolve(path) };
}

function invalid(location: string, problem: string): DbError {
  return new DbError('VALIDATION', `${quoted(location)} cannot be a place for backups: ${problem}`);
}
