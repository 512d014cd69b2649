/** Which format and compression a file has: what its name ends with, unless told. Pure. */
import { DbError } from '../base/errors.js';

export const FORMATS = ['jsonl', 'csv', 'parquet'] as const;
export type Format = (typeof FORMATS)[number];

export const COMPRESSIONS = ['none', 'gzip', 'zstd'] as const;
export type Compression = (typeof COMPRESSIONS)[number];

/** Standard input or output. */
export const STANDARD_STREAM = '-';

const FORMAT_BY_EXTENSION: Readonly<Record<string, Format>> = {
  jsonl: 'jsonl',
  ndjson: 'jsonl',
  json: 'jsonl',
  csv: 'csv',
  parquet: 'parquet',
};
const COMPRESSION_BY_EXTENSION: Readonly<Record<string, Compression>> = {
  gz: 'gzip',
  gzip: 'gzip',
  zst: 'zstd',
  zstd: 'zstd',
};

export function compressionOf(path: string, asked: Compression | undefined): Compression {
  return asked ?? COMPRESSION_BY_EXTENSION[lastExtension(path)] ?? 'none';
}

/** Throws DbError('VALIDATION') when neither says. Standard streams are JSON Lines. */
export function formatOf(path: string, asked: Format | undefined): Format {
  if (asked !== undefined) return asked;
  if (path === STANDARD_STREAM) return 'jsonl';
  const isCompressed = COMPRESSION_BY_EXTENSION[lastExtension(path)] !== undefined;
  const inner = isCompressed ? path.slice(0, path.lastIndexOf('.')) : path;
  const format = FORMAT_BY_EXTENSION[lastExtension(inner)];
  if (format === undefined) {
    throw new DbError(
      'VALIDATION',
      `the name ${path} does not say its format: give --format ${FORMATS.join(', ')}`,
    );
  }
  return format;
}

function lastExtension(path: string): string {
  const name = path.slice(path.lastIndexOf('/') + 1);
  const dot = name.lastIndexOf('.');
  // A plain object has names of its own, such as constructor: only letters that are ours may be looked up.
  const extension = dot < 0 ? '' : name.slice(dot + 1).toLowerCase();
  return Object.hasOwn(FORMAT_BY_EXTENSION, extension) || Object.hasOwn(COMPRESSION_BY_EXTENSION, extension)
    ? extension
    : '';
}
