/** One run of the YCSB harness, as it is kept in perf/history.ndjson, and what its reader must know. */
import type { PacedReport } from '../paced-sender.js';
import type { RecordHead } from '../record.js';
import { surroundingsWarnings } from '../warnings.js';
import type { Transport, YcsbReport } from './load.js';
import type { LoadFigures } from './loading.js';
import { DATA_SHARE_MIN, dataBytesOf, memoryBytesOf, type YcsbOptions } from './options.js';
import type { ServerMetrics } from './server-metrics.js';
import type { WorkloadName } from './workloads.js';

export interface WorkloadResult extends YcsbReport {
  readonly workload: WorkloadName;
  readonly transport: Transport;
}

export interface PauseResult {
  /** The steady stream of durable PUTs. */
  readonly stream: PacedReport;
  /** The updates that went on beside it. */
  readonly background: YcsbReport;
  readonly metrics: ServerMetrics;
}

export interface YcsbRecord extends RecordHead {
  readonly kind: 'ycsb';
  readonly configuration: Omit<YcsbOptions, 'json' | 'history'>;
  readonly dataBytes: number;
  readonly memoryBytes: number;
  readonly load: LoadFigures;
  readonly results: readonly WorkloadResult[];
  readonly pause: PauseResult | undefined;
  /** From before the load to the end of the workloads. */
  readonly metrics: ServerMetrics;
  readonly warnings: readonly string[];
}

/** A generator of one thread this busy is the bottleneck itself. */
const CLIENT_CORES_MAX = 0.95;
/** Less than this part of the rate that was asked for was a backlog. */
const ACHIEVED_SHARE_MIN = 0.99;

export function warningsOf(
  head: RecordHead,
  options: YcsbOptions,
  results: readonly WorkloadResult[],
  pause: PauseResult | undefined,
  metrics: ServerMetrics,
): string[] {
  const warnings = surroundingsWarnings(head.machine.fileSystem, head.loadAverage, options.smoke);
  const share = dataBytesOf(options.records) / memoryBytesOf(options.memory);
  if (share < DATA_SHARE_MIN)
    warnings.push(`the data are ${share.toFixed(1)} times the server's memory, not ${DATA_SHARE_MIN} times`);
  if (options.workloads.includes('E') && options.transports.includes('ws'))
    warnings.push('WebSocket has no scan: workload E runs over HTTP only');
  for (const { workload, transport, clientCores, refused } of results) {
    const name = `${workload} over ${transport}`;
    if (clientCores > CLIENT_CORES_MAX)
      warnings.push(`${name}: the load generator was saturated; the server could do more`);
    if (refused > 0) warnings.push(`${name}: ${refused} answers were 503, tried again`);
  }
  if (pause !== undefined && pause.stream.opsPerSecond < options.pauseRate * ACHIEVED_SHARE_MIN)
    warnings.push('write-pause probe: the rate was not kept up with; its latency is that of a backlog');
  const happened = (pattern: RegExp): boolean =>
    [metrics, pause?.metrics ?? {}].some((all) =>
      Object.entries(all).some(([name, value]) => pattern.test(name) && value > 0),
    );
  if (!happened(/flushes_total$/)) warnings.push('/metrics tells of no flush during this run');
  if (!happened(/compaction.*_total$/)) warnings.push('/metrics tells of no compaction during this run');
  return warnings;
}
