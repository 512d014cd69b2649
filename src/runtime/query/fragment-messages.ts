/** What the threads of a gather send each other. Plain data. */
import type { MessagePort } from 'node:worker_threads';
import type { WireError } from '../../base/errors.js';
import type { PoolQuery } from '../../front/query/messages.js';
import type { ScanPartition } from '../../sql/execute/source.js';
import type { NodeCounters } from '../../sql/explain/counters.js';
import type { SharedStatistics } from './shared-statistics.js';
import type { ShardAttachment } from './thread-readers.js';

/** Which parts of which gather, and as of when. The plan itself is made again from the statement, as everywhere. */
export interface FragmentOrder {
  readonly gatherId: number;
  readonly partitions: readonly ScanPartition[];
  /** Held by the leader for as long as the members run. */
  readonly seqno: number;
  /** Database time: what has expired by then is not seen. */
  readonly nowSeconds: number;
  readonly detached: boolean;
  readonly fillCache: boolean;
  /** EXPLAIN ANALYZE. */
  readonly isCounted: boolean;
  /** fragment-team.ts. */
  readonly team: SharedArrayBuffer;
  /** sql/execute/memory-allowance.ts: one for the whole statement. */
  readonly memory: SharedArrayBuffer;
}

/** From the leader to the main thread, which looks for threads that are free; one port for each member. */
export interface HelpRequest {
  readonly kind: 'help';
  readonly queryId: string;
  readonly order: FragmentOrder;
  readonly ports: readonly MessagePort[];
}

/** What a member is given. */
export interface FragmentTask {
  readonly kind: 'fragment';
  readonly query: PoolQuery;
  /** Those that the leader has planned with. */
  readonly statistics: SharedStatistics;
  readonly order: FragmentOrder;
  readonly member: number;
  readonly port: MessagePort;
  readonly shards: ReadonlyArray<ShardAttachment | undefined>;
}

/** From a member to the leader. */
export type FragmentMessage =
  /** Rows of one part, as row-codec.ts writes them. */
  | { readonly kind: 'rows'; readonly part: number; readonly bytes: Uint8Array }
  | {
      readonly kind: 'end';
      readonly rowsScanned: number;
      readonly nodes?: readonly (NodeCounters | undefined)[];
    }
  | { readonly kind: 'failed'; readonly error: WireError };

export function isHelpRequest(message: unknown): message is HelpRequest {
  return typeof message === 'object' && message !== null && (message as { kind?: unknown }).kind === 'help';
}
