/** The shapes that both clients take and give back. */
import { TTL_NEVER, TTL_UNSET } from '../base/expiry.js';
import { TTL_SECONDS_MAX } from '../base/limits.js';
import { Durability } from '../generated/lumadb/schema/durability.js';
import { invalidRequest } from './error.js';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined;
}

/** A document to write: an object, or its JSON text (as a string or as UTF-8), which is sent as it is. */
export type DocumentInput = JsonObject | string | Uint8Array;

/**
 * Whole seconds until a written document expires, 1 to ten years; null: it never does. Without one a document gets its
 * collection's default, and a patched one keeps what it has. Deletes have no use for it.
 */
export type TimeToLive = number | null;

/** When a write is acknowledged: after fdatasync, after a shared fdatasync, or after write(2). */
export type DurabilityLevel = 'always' | 'group' | 'os';

export interface ReadResult<T = JsonObject> {
  readonly document: T;
  /** Version of the document: give it as `ifMatch` to write only if nobody else has. */
  readonly seqno: number;
}

export interface WriteResult {
  /** The document's `_id`. */
  readonly id: string;
  readonly seqno: number;
  /** What the server says it did; over WebSocket what was asked for, undefined for the server's default. */
  readonly durability: DurabilityLevel | undefined;
  /** False when the write replaced, patched or deleted a document that existed. */
  readonly created: boolean;
}

export interface CallOptions {
  /** Gives up with the signal's reason. A write that was under way may still happen. */
  readonly signal?: AbortSignal;
}

export interface WriteOptions extends CallOptions {
  /** Write only if the document has this version ('*': only if it exists); else PRECONDITION_FAILED. */
  readonly ifMatch?: number | '*';
  /** Write only if the document does not exist; else PRECONDITION_FAILED. */
  readonly ifNoneMatch?: '*';
  /** Default: the server's. */
  readonly durability?: DurabilityLevel;
  /** Makes repeating this very write harmless: the same key answers with the first outcome. */
  readonly idempotencyKey?: string;
  readonly ttlSeconds?: TimeToLive;
}

export function durabilityCode(level: DurabilityLevel | undefined): Durability {
  if (level === undefined) return Durability.Unspecified;
  if (level === 'always') return Durability.Always;
  return level === 'group' ? Durability.Group : Durability.Os;
}

/** As frames have it: seconds or one of TTL_*. */
export function ttlCode(ttlSeconds: TimeToLive | undefined): number {
  if (ttlSeconds === undefined) return TTL_UNSET;
  if (ttlSeconds === null) return TTL_NEVER;
  if (Number.isInteger(ttlSeconds) && ttlSeconds >= 1 && ttlSeconds <= TTL_SECONDS_MAX) return ttlSeconds;
  throw invalidRequest(`ttlSeconds is ${ttlSeconds}; it can be 1 to ${TTL_SECONDS_MAX}, or null`);
}

/** JSON text of a document: the text itself when it was given as text. */
export function documentText(document: DocumentInput): string | Uint8Array {
  return typeof document === 'string' || document instanceof Uint8Array ? document : JSON.stringify(document);
}
