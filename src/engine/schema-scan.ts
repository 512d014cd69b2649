/**
 * Looks for a document that a schema does not allow: walks a collection in the order of keys, a slice at a time between groups.
 * New writes are checked by then, so each slice may read what is there now. Shard thread only.
 */
import type { WireError } from '../base/errors.js';
import type { VisibleCursor } from '../iter/visible-cursor.js';
import { type CollectionWalkOptions, walkPart } from './collection-walk.js';
import type { DocumentCheck } from './document-gate.js';

/** The first document that is not allowed, and why. */
export interface Offender {
  readonly id: string;
  readonly error: WireError;
}

export class SchemaScan {
  /** All keys up to this one are dealt with. */
  private done: Uint8Array | undefined;
  offender: Offender | undefined;

  constructor(
    private readonly options: CollectionWalkOptions,
    private readonly collection: number,
    private readonly check: DocumentCheck,
  ) {}

  /** Does a part. True when it is over: at the end, or at an offender. */
  slice(): boolean {
    const { options, collection, done: after } = this;
    const from = { collection, after, nowSeconds: options.clock.nowSeconds() };
    const { isEnd, key } = walkPart(options, from, (cursor) => this.allows(cursor));
    this.done = key;
    return isEnd || this.offender !== undefined;
  }

  private allows({ entry }: VisibleCursor): boolean {
    const { value, valueOffset, valueLength, key, keyOffset, keyLength } = entry;
    const error = this.check(value, valueOffset, valueOffset + valueLength);
    if (error === undefined) return true;
    const id = new TextDecoder().decode(key.slice(keyOffset, keyOffset + keyLength));
    this.offender = { id, error };
    return false;
  }
}
