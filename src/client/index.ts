/** The public face of `lumadb/client`; the one barrel of the project. */
export type { ApiErrorCode } from '../base/errors.js';
export { LumaDbError } from './error.js';
export {
  type BulkItem,
  type BulkOptions,
  type BulkResult,
  type HealthResult,
  HttpClient,
  type HttpClientOptions,
  type ListOptions,
  type ListPage,
} from './http-client.js';
export type { CollectionInfo, CreateCollectionOptions, HttpCollections } from './http-collections.js';
export { ManyResult } from './many-result.js';
export type {
  CallOptions,
  DocumentInput,
  DurabilityLevel,
  JsonObject,
  JsonValue,
  ReadResult,
  TimeToLive,
  WriteOptions,
  WriteResult,
} from './types.js';
export { type PutManyOptions, WebSocketClient } from './websocket-client.js';
export type { WebSocketClientOptions } from './websocket-options.js';
