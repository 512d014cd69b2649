/** Limits that are part of the product's contract and are not configurable. Hitting one is a named error. */

/** Longest `_id`, in UTF-8 bytes. */
export const KEY_BYTES_MAX = 1024;
/** Longest document, in bytes of JSON text as stored (with `_id` inside). */
export const DOCUMENT_BYTES_MAX = 16 * 1024 * 1024;
/** Deepest nesting of arrays and objects in a document. */
export const JSON_DEPTH_MAX = 200;
/** Longest collection name, in characters. */
export const COLLECTION_NAME_LENGTH_MAX = 128;
/** Collections a database can hold at a time; dropped ones free their place. */
export const COLLECTIONS_MAX = 4096;
/** Secondary indexes of one collection. */
export const INDEXES_PER_COLLECTION_MAX = 64;
/** Longest index name, in characters. */
export const INDEX_NAME_LENGTH_MAX = 128;
/** Documents (HTTP bulk) or operations (WebSocket frame) in one request. */
export const BULK_OPERATIONS_MAX = 10_000;
/** Body of a bulk request and payload of a WebSocket frame, in bytes. */
export const BULK_BYTES_MAX = 32 * 1024 * 1024;
/** Largest page of a list request, in documents. */
export const LIST_LIMIT_MAX = 1000;
/** Page of a list request that names no limit. */
export const LIST_LIMIT_DEFAULT = 20;
/** Longest time to live of a document, in seconds: ten years. The shortest is one second. */
export const TTL_SECONDS_MAX = 10 * 365 * 24 * 3600;
/** Threads that read: fronts, and two for each query thread, since one that has just died is cleaned up behind later. */
export const READERS_MAX = 64;
/** Levels of SSTables of one shard, numbered from 0. */
export const LEVELS = 7;
/** Declared columns of a collection, and as many CHECK constraints. */
export const SCHEMA_COLUMNS_MAX = 1000;
