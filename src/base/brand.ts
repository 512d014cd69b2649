/**
 * Branded units. Each is a plain number at run time; at compile time a swapped argument is a type error.
 * The `as*` helpers are the only places where a raw number becomes a unit.
 */
declare const brand: unique symbol;
export type Brand<T, Name extends string> = T & { readonly [brand]: Name };

/** Position of one operation in the process-wide order. 1 is the first; 0 means "none". At most 2^53 - 1. */
export type Seqno = Brand<number, 'Seqno'>;
/** Index of a shard, 0-based. */
export type ShardId = Brand<number, 'ShardId'>;
/** Index of a front thread, 0-based. */
export type FrontId = Brand<number, 'FrontId'>;
/** Catalog number of a collection, 1-based and never reused; 0 is reserved. */
export type CollectionId = Brand<number, 'CollectionId'>;
/** Number of a write term: grows every time a shard is opened. Orders records of different incarnations. */
export type Epoch = Brand<number, 'Epoch'>;
/** Number of a WAL segment in its shard, 1-based, never reused. */
export type SegmentNumber = Brand<number, 'SegmentNumber'>;
/** A size or length in bytes. */
export type Bytes = Brand<number, 'Bytes'>;
/** A duration or a wall-clock reading in milliseconds. */
export type Millis = Brand<number, 'Millis'>;

export const asSeqno = (value: number): Seqno => value as Seqno;
export const asShardId = (value: number): ShardId => value as ShardId;
export const asFrontId = (value: number): FrontId => value as FrontId;
export const asCollectionId = (value: number): CollectionId => value as CollectionId;
export const asEpoch = (value: number): Epoch => value as Epoch;
export const asSegmentNumber = (value: number): SegmentNumber => value as SegmentNumber;
export const asBytes = (value: number): Bytes => value as Bytes;
export const asMillis = (value: number): Millis => value as Millis;
