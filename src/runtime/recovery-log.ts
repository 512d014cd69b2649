/** What the log says about a shard that has been opened: plain success in one line, and everything that was not plain. */
import type { Logger } from 'pino';
import type { OpenedShard } from './opened-shard.js';

export function logOpenedShard(logger: Logger, shard: number, opened: OpenedShard): void {
  const {
    records,
    bytes,
    damage,
    unknownFiles,
    tornTailBytes,
    tables,
    strays,
    problems,
    lastSeqno,
    flushedSeqno,
  } = opened;
  const ms = Math.round(opened.durationMs);
  const fields = { shard, tables, records, bytes, ms, seqno: lastSeqno, flushed: flushedSeqno };
  logger.info(fields, 'shard recovered');
  if (tornTailBytes > 0) {
    const message = 'dropped a torn WAL tail that was never acknowledged as durable';
    logger.warn({ shard, bytes: tornTailBytes }, message);
  }
  for (const entry of damage) logger.error({ shard, ...entry }, 'WAL damage: records were lost (salvaged)');
  for (const file of unknownFiles)
    logger.warn({ shard, file }, 'unknown file in the WAL directory, left alone');
  for (const problem of problems) logger.error({ shard }, `recovery mode: ${problem}`);
  for (const { name, kind, action, path } of strays) {
    const level = action === 'quarantined' ? 'warn' : 'info';
    logger[level]({ shard, file: name, path }, `${kind} in the table directory: ${action}`);
  }
}
