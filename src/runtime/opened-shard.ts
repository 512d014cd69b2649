/** What a shard found when it was opened: plain data for the main thread and the log. */
import type { OpenManifestReport } from '../manifest/open-manifest.js';
import type { RecoveryReport } from '../wal/recovery-report.js';

export interface OpenedShard {
  readonly lastSeqno: number;
  readonly flushedSeqno: number;
  readonly tables: number;
  readonly records: number;
  readonly bytes: number;
  readonly durationMs: number;
  readonly tornTailBytes: number;
  readonly damage: RecoveryReport['damage'];
  readonly unknownFiles: readonly string[];
  readonly strays: OpenManifestReport['strays'];
  /** What recovery mode could not read, a sentence each. */
  readonly problems: readonly string[];
}

export function walFacts(report: RecoveryReport) {
  const { records, bytes, tornTailBytes, damage, unknownFiles } = report;
  return { records, bytes, tornTailBytes: tornTailBytes ?? 0, damage, unknownFiles };
}
