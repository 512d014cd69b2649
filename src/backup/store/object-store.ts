/**
 * Where backups live: objects with names under one root, whatever keeps them. The interface only; open-store.ts opens one.
 * Any thread; calls may overlap. Errors: DbError('NOT_FOUND'), DbError('IO') of a local disk, DbError('BACKUP_STORE') of a
 * store that cannot be reached, fails or damages what it carries, DbError('BACKUP_STORE_DENIED') of one that refuses,
 * DbError('VALIDATION') for a name that is none; a call that was called off rejects with the reason of its signal.
 */

/** Names use '/', never begin or end with it, never contain '..', NUL or '\\'; names.ts has the whole rule. */
export interface ObjectStore {
  /** For messages; never with credentials. */
  readonly url: string;
  /**
   * Stores an object whole or not at all, and durably; replaces one of that name. What `source` throws is thrown on as it
   * is. A chunk is the store's until the next one is asked for.
   */
  put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    options?: { readonly signal?: AbortSignal },
  ): Promise<{ readonly sizeBytes: number }>;
  /**
   * Bytes from `offset` on, in chunks that belong to the caller; none when the object ends there. Fails loudly when the
   * object ends early or changes under it.
   */
  get(
    name: string,
    options?: { readonly offset?: number; readonly signal?: AbortSignal },
  ): AsyncIterable<Uint8Array>;
  /** A small object whole; DbError('PAYLOAD_TOO_LARGE') for one of more than `maxBytes`. */
  read(name: string, maxBytes: number): Promise<Uint8Array>;
  stat(name: string): Promise<ObjectFacts | undefined>;
  /** All objects whose names begin with `prefix`, in order of names (of their UTF-8 bytes). */
  list(prefix: string): AsyncIterable<ListedObject>;
  /** Names of the "folders" directly under a prefix ('' or ending in '/'): those with an object somewhere below. Sorted. */
  folders(prefix: string): Promise<string[]>;
  /** No error when it is not there. Durable when it returns. */
  delete(name: string): Promise<void>;
  /** Removes what interrupted puts that began before then have left behind; returns how many there were. */
  sweepUnfinished(beganBeforeMs: number): Promise<number>;
  /** The same store seen from a folder below. It is closed with the store that it comes from. */
  below(folder: string): ObjectStore;
  /** Ends connections. Only the store that was opened needs it. */
  close(): Promise<void>;
}

export interface ObjectFacts {
  readonly sizeBytes: number;
  readonly modifiedMs: number;
}

export interface ListedObject extends ObjectFacts {
  readonly name: string;
}
