/** Reads the query string of a list request. Pure: text in, ListQuery or an error out. */
import { DbError, toWireError, type WireError } from '../base/errors.js';
import { LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX } from '../base/limits.js';
import { compileFilter, type DocumentPredicate, parseFilterText } from '../json/filter.js';
import type { ScanRange } from '../router/document-reader.js';
import { ID_FIELD, KeyBounds } from './key-range.js';
import { SORT_WINDOW_MAX } from './limits.js';

export interface SortOrder {
  readonly field: string;
  /** Names on the way to the field, as UTF-8. */
  readonly path: readonly Uint8Array[];
  readonly descending: boolean;
}

export interface ListQuery {
  readonly filters: readonly DocumentPredicate[];
  /** Undefined means by `_id`, the order of the store: no sorting needed. */
  readonly sort: SortOrder | undefined;
  readonly limit: number;
  readonly offset: number;
  /** The keys to look at: what the conditions on `_id` and the cursor leave over. Backward for sort=-_id. */
  readonly range: ScanRange;
  readonly fields: ReadonlyArray<readonly Uint8Array[]> | undefined;
}

const CURSOR_VERSION = 'k1.';
const KNOWN = new Set(['filter', 'sort', 'limit', 'offset', 'cursor', 'fields']);
const encoder = new TextEncoder();

export function encodeCursor(lastKey: Uint8Array): string {
  return CURSOR_VERSION + Buffer.from(lastKey).toString('base64url');
}

/** `queryString`: without the "?". */
export function parseListQuery(queryString: string): ListQuery | WireError {
  try {
    return parse(new URLSearchParams(queryString));
  } catch (error) {
    if (error instanceof DbError) return toWireError(error);
    throw error;
  }
}

function parse(parameters: URLSearchParams): ListQuery {
  for (const name of KNOWN) {
    if (parameters.getAll(name).length > 1) throw invalid(name, `${name} is given more than once`);
  }
  const sort = parseSort(parameters.get('sort'));
  const cursor = parameters.get('cursor');
  const offset = parseCount('offset', parameters.get('offset'), 0, Number.MAX_SAFE_INTEGER);
  const limit = parseCount('limit', parameters.get('limit'), LIST_LIMIT_DEFAULT, LIST_LIMIT_MAX);
  if (limit === 0) throw invalid('limit', 'limit must be at least 1');
  if (cursor !== null && offset > 0) throw invalid('offset', 'cursor and offset cannot be used together');
  if (cursor !== null && sort !== undefined) {
    throw invalid('cursor', 'a cursor continues the order by _id; with another sort use offset');
  }
  if (sort !== undefined && offset + limit > SORT_WINDOW_MAX) {
    throw invalid('offset', `offset + limit is at most ${SORT_WINDOW_MAX} with sort`);
  }
  const bounds = new KeyBounds();
  const backward = isBackward(parameters.get('sort'));
  const filters = parseFilters(parameters, bounds);
  if (cursor !== null) bounds.continueAfter(decodeCursor(cursor), backward);
  return {
    filters,
    sort,
    limit,
    offset,
    range: bounds.range(backward),
    fields: parseFields(parameters.get('fields')),
  };
}

/** What `bounds` cannot express stays a filter. */
function parseFilters(parameters: URLSearchParams, bounds: KeyBounds): DocumentPredicate[] {
  const filters: DocumentPredicate[] = [];
  const filter = parameters.get('filter');
  if (filter !== null) filters.push(compileFilterParameter(filter, bounds));
  for (const [name, value] of parameters) {
    if (name === ID_FIELD && bounds.narrowBy(value)) continue;
    if (!KNOWN.has(name)) filters.push(compileFilter({ [name]: { $in: spellings(value) } }));
  }
  return filters;
}

/** The message of a fault in the text names neither the parameter nor the place: here it does. */
function compileFilterParameter(filter: string, bounds: KeyBounds): DocumentPredicate {
  const bytes = encoder.encode(filter);
  try {
    const fields = parseFilterText(bytes, 0, bytes.length);
    const compiled = compileFilter(fields); // all of it, for what is wrong with it
    const { [ID_FIELD]: id, ...others } = fields;
    return bounds.narrowBy(id) ? compileFilter(others) : compiled;
  } catch (error) {
    if (!(error instanceof DbError)) throw error;
    const offset = error.details?.['offset'];
    const place = offset === undefined ? '' : ` at byte ${offset}`;
    throw new DbError(error.code, `filter: ${error.message}${place}`, { field: 'filter', ...error.details });
  }
}

/** ?age=5 finds the number 5 and the text "5": a query string has no types. */
function spellings(text: string): unknown[] {
  try {
    const value: unknown = JSON.parse(text);
    return value === null || typeof value === 'number' || typeof value === 'boolean' ? [text, value] : [text];
  } catch {
    return [text];
  }
}

/** By `_id`, the store is read from its other end. */
function isBackward(sort: string | null): boolean {
  return sort === `-${ID_FIELD}`;
}

function parseSort(text: string | null): SortOrder | undefined {
  if (text === null) return undefined;
  const descending = text.startsWith('-');
  // A "+" in a query string arrives as a blank unless it was encoded.
  const field = text.replace(/^[-+ ]/, '');
  if (field === '' || field.includes(','))
    throw invalid('sort', 'sort takes one field, with - in front for descending');
  if (field === ID_FIELD) return undefined;
  return { field, descending, path: pathOf('sort', field) };
}

function parseFields(text: string | null): ListQuery['fields'] {
  if (text === null) return undefined;
  return text
    .split(',')
    .filter((field) => field !== '')
    .map((field) => pathOf('fields', field));
}

function pathOf(parameter: string, field: string): Uint8Array[] {
  const names = field.split('.');
  if (names.includes(''))
    throw invalid(parameter, `${parameter}: ${JSON.stringify(field)} has an empty name`);
  return names.map((name) => encoder.encode(name));
}

function parseCount(name: string, text: string | null, fallback: number, max: number): number {
  if (text === null) return fallback;
  const value = /^[0-9]{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value <= max)) throw invalid(name, `${name} is ${JSON.stringify(text)}; it can be 0 to ${max}`, max);
  return value;
}

function decodeCursor(text: string): Uint8Array {
  const body = text.startsWith(CURSOR_VERSION) ? text.slice(CURSOR_VERSION.length) : '';
  const key = new Uint8Array(Buffer.from(body, 'base64url'));
  if (key.length === 0 || encodeCursor(key) !== text)
    throw invalid('cursor', 'this cursor was not made by this server');
  return key;
}

function invalid(field: string, message: string, limit?: number): DbError {
  return new DbError('VALIDATION', message, limit === undefined ? { field } : { field, limit });
}
