/** One look at a running server: what /metrics, /status and /cluster/status say at about the same moment. */
import { systemClock } from '../../base/clock.js';
import { type Answer, answerMessage, call, type Target } from '../connection.js';
import { CliError } from '../output.js';
import { type Exposition, readExposition } from './exposition.js';

/** Of /status, as far as the dashboard looks at it. */
export interface StatusAnswer {
  readonly version: string;
  readonly uptime_seconds: number;
  /** Why the server takes nothing new; null while it serves. */
  readonly draining: string | null;
  readonly read_only: false | { readonly reason: string; readonly since: string; readonly by: string };
  readonly shards: readonly ShardAnswer[];
}

export interface ShardAnswer {
  readonly shard: number;
  readonly state: string;
  /** Why it does not serve. */
  readonly cause: string | null;
  readonly stall_cause: string | null;
  readonly writes_refused: string | null;
  readonly memtable_bytes: number;
  readonly wal_bytes: number;
  readonly l0_files: number;
  readonly flush_error: string | null;
}

/** Of /cluster/status. */
export interface ClusterAnswer {
  readonly leader: string;
  readonly nodes: ReadonlyArray<{ readonly status: string; readonly replication_lag_ms: number }>;
}

export interface Sample {
  /** Monotonic, of this process. */
  readonly atMs: number;
  readonly wallMs: number;
  readonly metrics: Exposition;
  readonly status: StatusAnswer;
  readonly cluster: ClusterAnswer;
}

/** A server that takes longer than this has no figures worth waiting for. */
const TIMEOUT_MS = 5000;

/** Throws CliError when the server does not answer, or answers with an error. */
export async function takeSample(to: Target): Promise<Sample> {
  const ask = async (path: string): Promise<Answer> => {
    const answer = await call(to, path, { timeoutMs: TIMEOUT_MS });
    if (answer.status !== 200) throw new CliError(`${to.url}${path}: ${answerMessage(answer)}`);
    return answer;
  };
  const askJson = async (path: string): Promise<object> => {
    const { body } = await ask(path);
    if (typeof body !== 'object' || body === null)
      throw new CliError(`${to.url} answered ${path} without JSON: is it a LumaDB server?`);
    return body;
  };
  // Rates are divided by the time between two texts of /metrics, so its answer is what sets the time.
  const [[text, atMs], status, cluster] = await Promise.all([
    ask('/metrics').then((answer) => [answer.text, systemClock.monotonicMs()] as const),
    askJson('/status'),
    askJson('/cluster/status'),
  ]);
  if (!('shards' in status) || !('nodes' in cluster))
    throw new CliError(`${to.url} does not describe its shards and nodes: is it a LumaDB server?`);
  return {
    atMs,
    wallMs: systemClock.wallMs(),
    metrics: readExposition(text),
    status: status as StatusAnswer,
    cluster: cluster as ClusterAnswer,
  };
}
