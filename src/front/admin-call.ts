/** What operators ask of the storage through /admin: plain data from a front to the main thread, one type per route. */
import type { LevelRange } from '../base/level-range.js';

export interface CompactRequest {
  /** Name; undefined for everything. */
  readonly collection: string | undefined;
  readonly levels: LevelRange;
  /** At once, before everything else, without a rate limit. */
  readonly isEmergency: boolean;
  /** The last level is written anew where it has tombstones or expired documents. */
  readonly deleteTombstones: boolean;
}

export interface GcRequest {
  readonly collection: string;
  /** Also when an operator has made the database read-only, and the collection is compacted afterwards. */
  readonly isForced: boolean;
}

export interface WalArchiveRequest {
  readonly olderThanMs: number;
  /** As it was given; checked on the main thread. */
  readonly destination: string;
}

/** What a backup that somebody has made, or checked, tells the server of itself. */
export interface NotedBackup {
  readonly job: 'full' | 'incremental' | 'verify' | 'restore_drill';
  readonly started_at: string;
  readonly seconds: number;
  readonly outcome: 'ok' | 'failed';
  readonly backup: string | null;
  readonly message: string | null;
}

/** One collection's indexes, those of all with 'all', or one index. */
export type RebuildRequest = { readonly index: string } | { readonly collection: string };

/** About statements that run. */
export type QueryCall = { readonly kind: 'queries' } | { readonly kind: 'cancel-query'; readonly id: string };

/** About the configuration; `changes` as the body has them, by any name of a key. */
export type ConfigCall =
  | { readonly kind: 'config' }
  | { readonly kind: 'change-config'; readonly changes: Readonly<Record<string, unknown>> };

export type ClusterCall =
  | { readonly kind: 'cluster'; readonly report: 'health' | 'status' | 'replication' }
  | { readonly kind: 'transfer-leadership'; readonly targetNode: string };

/** What only the process itself knows: its threads, their stacks, what it was started with. */
export interface DiagnosticsCall {
  readonly kind: 'diagnostics';
}

export type AdminCall = StorageCall | QueryCall | ConfigCall | ClusterCall | DiagnosticsCall;

export type StorageCall =
  | { readonly kind: 'memory' | 'compaction' | 'dump-state' | 'tasks' }
  | { readonly kind: 'task' | 'cancel-task'; readonly id: string }
  | { readonly kind: 'checkpoints' | 'backups' }
  | { readonly kind: 'note-backup'; readonly run: NotedBackup }
  | { readonly kind: 'create-checkpoint'; readonly leaseMs: number }
  | { readonly kind: 'renew-checkpoint' | 'remove-checkpoint'; readonly id: string }
  | { readonly kind: 'rebuild-indexes'; readonly request: RebuildRequest }
  | { readonly kind: 'compact'; readonly request: CompactRequest }
  | { readonly kind: 'gc'; readonly request: GcRequest }
  | { readonly kind: 'archive-wal'; readonly request: WalArchiveRequest };
