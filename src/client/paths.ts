/** Paths of the HTTP API. Keys may hold anything: slashes, dots, Unicode, NUL. */
import { invalidRequest } from './error.js';

export const API_ROOT = '/api/v1';

/** One path segment, percent-encoded. */
export function encodeSegment(text: string, what: string): string {
  if (text === '') throw invalidRequest(`${what} is empty`);
  if (!text.isWellFormed()) throw invalidRequest(`${what} holds half of a surrogate pair`);
  // Proxies and URL parsers resolve "." and ".." and some do so after decoding: only the dots' owner can tell.
  if (text === '.' || text === '..') return text.replaceAll('.', '%2E');
  return encodeURIComponent(text);
}

export function collectionPath(collection: string): string {
  return `${API_ROOT}/${encodeSegment(collection, 'the collection name')}`;
}

export function documentPath(collection: string, id: string): string {
  return `${collectionPath(collection)}/${encodeSegment(id, 'the document id')}`;
}

/** A query string with its question mark, or '' when nothing is set. */
export function queryString(values: Readonly<Record<string, string | number | boolean | undefined>>): string {
  const parts: string[] = [];
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) parts.push(`${encodeURIComponent(name)}=${encodeURIComponent(String(value))}`);
  }
  return parts.length === 0 ? '' : `?${parts.join('&')}`;
}
