/**
 * The seqno that stands for a moment: the last one before the first operation, of any shard, that was written after it. So all
 * shards stop at one place in the order of everything, also where clocks were not exact. Any thread.
 */
import type { LogRow } from './log-row.js';
import { readRow } from './read-row.js';

export interface FoundSeqno {
  readonly seqno: number;
  /** Of the last operation that is in front of it, in the log; 0 when there is none. */
  readonly lastWallClockMs: number;
  /** Whether something was written after the moment: if not, the log may just end before it. */
  readonly isBounded: boolean;
}

/** `reach`: what all rows reach. Reads each row until it meets something later. */
export async function findSeqno(
  rows: readonly LogRow[],
  timeMs: number,
  reach: number,
  options: { readonly key?: Uint8Array; readonly signal?: AbortSignal },
): Promise<FoundSeqno> {
  let seqno = reach;
  let isBounded = false;
  const times: Array<{ readonly seqno: number; readonly wallClockMs: number }> = [];
  for (const row of rows) {
    let before: (typeof times)[number] | undefined;
    await readRow(row, {
      ...options,
      through: reach,
      onRecord: ({ firstSeqno, wallClockMs }) => {
        if (firstSeqno > reach) return false;
        if (wallClockMs > timeMs) {
          seqno = Math.min(seqno, firstSeqno - 1);
          isBounded = true;
          return false;
        }
        before = { seqno: firstSeqno, wallClockMs };
        return true;
      },
    });
    if (before !== undefined) times.push(before);
  }
  const last = times.filter((each) => each.seqno <= seqno).map(({ wallClockMs }) => wallClockMs);
  return { seqno, lastWallClockMs: Math.max(0, ...last), isBounded };
}
