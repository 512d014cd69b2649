/**
 * Reading /api/v1/{collection}/{id} out of a URL. The id goes straight into UTF-8 bytes: no string is made for it on
 * the hot path. One instance per front; the last parse is in its fields.
 */
import type { HttpRequest } from 'uWebSockets.js';
import type { WireError } from '../base/errors.js';
import { COLLECTION_NAME_LENGTH_MAX, KEY_BYTES_MAX } from '../base/limits.js';

export const API_PREFIX = '/api/v1/';
const SLASH = 0x2f;
const PERCENT = 0x25;
const BLANK = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

const encoder = new TextEncoder();
const strictDecoder = new TextDecoder('utf-8', { fatal: true });

/** Names that mean something else under /api/v1. */
const RESERVED_COLLECTION_NAMES: ReadonlySet<string> = new Set(['collections', 'query', 'transactions']);
export const COLLECTION_NAME = /^[A-Za-z_][A-Za-z0-9_.-]*$/;

/** Undefined when the name is fine. */
export function collectionNameFault(name: string): WireError | undefined {
  const fault = (message: string): WireError => ({
    code: 'VALIDATION',
    message,
    details: { field: 'collection' },
  });
  if (name.length === 0) return fault('the collection name is empty');
  if (name.length > COLLECTION_NAME_LENGTH_MAX) {
    return fault(
      `the collection name has ${name.length} characters, at most ${COLLECTION_NAME_LENGTH_MAX} are allowed`,
    );
  }
  if (!COLLECTION_NAME.test(name)) {
    return fault(
      `the collection name ${JSON.stringify(name)} is not a letter or _ followed by letters, digits, _ . -`,
    );
  }
  if (RESERVED_COLLECTION_NAMES.has(name) || name.startsWith('system.')) {
    return fault(`the collection name ${JSON.stringify(name)} is reserved`);
  }
  return undefined;
}

/** Undefined when a key of this many UTF-8 bytes may be stored. */
export function keyLengthFault(length: number): WireError | undefined {
  if (length > 0 && length <= KEY_BYTES_MAX) return undefined;
  const message =
    length === 0 ? 'the _id is empty' : `the _id has ${length} bytes, at most ${KEY_BYTES_MAX} are allowed`;
  return { code: 'VALIDATION', message, details: { field: '_id', limitBytes: KEY_BYTES_MAX } };
}

export class DocumentPath {
  collection = '';
  /** The id as UTF-8 bytes; [0, keyLength). */
  readonly key = new Uint8Array(KEY_BYTES_MAX);
  keyLength = 0;
  /** False when the path names a collection only. */
  hasId = false;
  error: WireError | undefined;
  private url = '';
  /** Where the id starts in `url`, if it is its own JSON text there; else 0. */
  private plainStart = 0;

  /** Reads `url` (path only, without the query). False: see `error`. */
  parse(url: string): boolean {
    this.error = undefined;
    this.plainStart = 0;
    const slash = url.indexOf('/', API_PREFIX.length);
    if (slash < 0) {
      this.collection = url.slice(API_PREFIX.length);
      this.hasId = false;
      return this.decodeCollection();
    }
    this.collection = url.slice(API_PREFIX.length, slash);
    this.hasId = true;
    return this.readKey(url, slash + 1) && this.decodeCollection();
  }

  /** The id as a string. */
  idText(): string {
    return strictDecoder.decode(this.key.subarray(0, this.keyLength));
  }

  /** The id as a JSON string. An id that came as plain text in the URL is cut out of it. */
  idJson(): string {
    return this.plainStart > 0 ? `"${this.url.slice(this.plainStart)}"` : JSON.stringify(this.idText());
  }

  private decodeCollection(): boolean {
    if (this.collection.indexOf('%') < 0) return true;
    try {
      this.collection = decodeURIComponent(this.collection);
      return true;
    } catch {
      return this.fail('the collection name is not valid percent-encoded UTF-8', 'collection');
    }
  }

  private readKey(url: string, start: number): boolean {
    const length = url.length - start;
    if (length === 0 || length > KEY_BYTES_MAX) return this.readEncodedKey(url.slice(start));
    const key = this.key;
    let isPlain = true;
    for (let i = 0; i < length; i++) {
      const code = url.charCodeAt(start + i);
      if (code === PERCENT || code > 0x7f || code === SLASH) return this.readEncodedKey(url.slice(start));
      if (code < BLANK || code === QUOTE || code === BACKSLASH) isPlain = false;
      key[i] = code;
    }
    this.keyLength = length;
    this.url = url;
    this.plainStart = isPlain ? start : 0;
    return true;
  }

  private readEncodedKey(text: string): boolean {
    if (text.includes('/')) return this.fail('the _id contains "/": write it as %2F', '_id');
    let decoded: string;
    try {
      decoded = decodeURIComponent(text);
    } catch {
      return this.fail('the _id in the path is not valid percent-encoded UTF-8', '_id');
    }
    const bytes = encoder.encode(decoded);
    this.error = keyLengthFault(bytes.length);
    if (this.error !== undefined) return false;
    this.key.set(bytes);
    this.keyLength = bytes.length;
    return true;
  }

  private fail(message: string, field: string): false {
    this.error = { code: 'VALIDATION', message, details: { field } };
    return false;
  }
}

/** The first parameter of a route's path; as it is where it is not well percent-encoded. */
export function pathParameter(req: HttpRequest): string {
  const text = req.getParameter(0) ?? '';
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
