/** What the front asks of the main thread: the control plane, over comlink. Off the hot path. */

import type { MessagePort } from 'node:worker_threads';
import type { QueryRecord } from '../admin/query-record.js';
import type { SessionKind } from '../auth/session.js';
import type { WireError } from '../base/errors.js';
import type { CollectionSchema } from '../catalog/collection-schema.js';
import type { IndexDefinition } from '../indexes/definition.js';
import type { DefinitionStatement } from '../sql/algebra/statement.js';
import type { AdminCall } from './admin-call.js';
import type { PoolQuery } from './query/messages.js';
import type { SchemaDescription } from './schema-body.js';
import type { LoginRequest, SecurityCall } from './security-call.js';

export interface CollectionInfo {
  readonly id: number;
  readonly name: string;
  /** Default time to live of documents, in seconds; TTL_UNSET (base/expiry.ts) = none. */
  readonly ttlSeconds: number;
  /** Secondary indexes, of every state: only valid ones may be read. */
  readonly indexes: readonly IndexDefinition[];
  /** What its documents are checked against; absent: nothing. */
  readonly schema?: CollectionSchema;
}

export interface CollectionDescription {
  readonly name: string;
  readonly document_count: number;
  readonly size_bytes: number;
  readonly indexes: readonly string[];
  /** Default time to live of documents, in seconds. */
  readonly ttl: number | null;
  /** Only of a collection that has one; as it is created. */
  readonly schema?: SchemaDescription;
  readonly created_at: string;
}

/** Who asks. */
export interface Caller {
  readonly name: string;
  readonly role: string;
  readonly kind: SessionKind;
  /** Address of the client. */
  readonly address: string;
  /** Of the token it came with; '' for others. */
  readonly tokenId: string;
  readonly expiresAtMs: number;
}

/** Who asks, and by which request: for the audit log. */
export interface Actor extends Caller {
  /** As in access.log and in the answer. */
  readonly requestId: string;
}

export interface ShutdownRequest {
  readonly mode: 'graceful' | 'force';
  readonly timeoutMs: number;
}

export interface ReadOnlyRequest {
  readonly enabled: boolean;
  /** Why; shown in every refused write. Absent: a general sentence. */
  readonly reason?: string;
}

/** Errors are values here: comlink would lose their class. */
export type ControlResult<T> =
  | { readonly ok: T; readonly error?: undefined }
  | { readonly ok?: undefined; readonly error: WireError };

/** A finished HTTP answer made by another thread. */
export interface ControlAnswer {
  readonly httpStatus: number;
  readonly body: string;
}

export interface ControlPlane {
  /** Creates a collection; an existing one is returned as it is, or a CONFLICT with `exclusive`. */
  createCollection(
    name: string,
    exclusive: boolean,
    ttlSeconds: number,
    schema?: CollectionSchema,
    actor?: Actor,
  ): Promise<ControlResult<CollectionInfo>>;
  /** Changes the default time to live, in seconds, for documents written from then on; TTL_UNSET takes it away. */
  setCollectionTtl(name: string, ttlSeconds: number, actor: Actor): Promise<ControlResult<CollectionInfo>>;
  dropCollection(name: string, actor?: Actor): Promise<ControlResult<CollectionInfo>>;
  listCollections(): Promise<ControlResult<readonly CollectionDescription[]>>;
  health(): Promise<ControlAnswer>;
  status(): Promise<ControlAnswer>;
  /** Prometheus text format. */
  metrics(): Promise<string>;
  /** Whether the database takes writes, and why not. */
  readOnly(): Promise<ControlAnswer>;
  /** An operator stops all writes, or lets them go on; holds across restarts. */
  setReadOnly(request: ReadOnlyRequest, actor: Actor): Promise<ControlResult<ControlAnswer>>;
  /** What /admin/memory, /admin/compaction, /admin/tasks and their like answer. */
  admin(call: AdminCall, actor: Actor): Promise<ControlResult<ControlAnswer>>;
  /**
   * Runs a statement on a query thread, which talks to the front through `port`. Resolves when it is over, or with 'stale' when it
   * has not run because something that it reads has been dropped: the front is about to learn of that.
   */
  runQuery(query: PoolQuery, port: MessagePort): Promise<ControlResult<'over' | 'stale'>>;
  /** CREATE, ALTER, DROP, TRUNCATE. Resolves when it has taken effect on every thread. `actor`: of a statement of its own. */
  define(
    statement: DefinitionStatement,
    sql: string,
    actor?: Actor,
  ): Promise<ControlResult<{ readonly command: string }>>;
  /** For the logs and the system tables. */
  recordQueries(records: readonly QueryRecord[]): Promise<void>;
  /** About users, keys and who is kept out. */
  security(call: SecurityCall, actor: Actor): Promise<ControlResult<ControlAnswer>>;
  /** Login, which has no caller yet. */
  login(
    request: LoginRequest,
    from: Pick<Actor, 'address' | 'requestId'>,
  ): Promise<ControlResult<ControlAnswer>>;
  /** Begins the shutdown and returns the process id at once. */
  shutdown(request: ShutdownRequest, actor: Actor): Promise<{ readonly pid: number }>;
}
