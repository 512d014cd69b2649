/** Limits of the front that are not configurable. */
import type { ScanBudget } from '../router/document-reader.js';

/** What a client is told to wait before it tries again after a 503 or 429. */
export const RETRY_AFTER_SECONDS = 1;
/**
 * Documents up to this size are sent with end(), which is faster than tryEnd() but keeps what the socket does not take. A
 * client that pipelines requests and never reads makes the server hold at most this much per request it has sent.
 */
export const DIRECT_RESPONSE_BYTES_MAX = 1024;
/** Bytes of answers copied for streaming to slow readers, per front. */
export const STREAMED_RESPONSE_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes that all WebSockets of a front may have queued together; beyond it, whoever queues more is closed. */
export const WEBSOCKETS_QUEUED_BYTES_MAX = 256 * 1024 * 1024;
/** Bytes a WebSocket may have queued towards a slow reader before it is closed. */
export const WEBSOCKET_BACKPRESSURE_MAX = 64 * 1024 * 1024;
/** Seconds without any frame after which a WebSocket is closed; pings keep it open. */
export const WEBSOCKET_IDLE_SECONDS = 120;
/** What a list request looks at before it gives the event loop back. */
export const SCAN_SLICE: ScanBudget = { keys: 2000, bytes: 4 * 1024 * 1024 };
/** Documents that a list request may sort: offset + limit. */
export const SORT_WINDOW_MAX = 10_000;
/** Body of a control request (collections, admin), in bytes. */
export const CONTROL_BODY_BYTES_MAX = 64 * 1024;
/** Idempotency-Key header, in characters. */
export const IDEMPOTENCY_KEY_LENGTH_MAX = 256;
/** Write contexts kept for reuse. */
export const POOLED_REQUESTS_MAX = 4096;
/** Bytes of documents in one page of a list: a page with large documents ends early. */
export const LIST_RESPONSE_BYTES_MAX = 32 * 1024 * 1024;
