/**
 * The pieces of the log that bring a shard from its tables to a seqno: those of a chain of backups and, behind them, those of a
 * WAL stream, such that each goes on where the ones before it end. Pure.
 */
import type { Chain } from '../manifest/chain.js';
import { piecesOf } from '../manifest/log-coverage.js';
import type { ObjectStore } from '../store/object-store.js';
import { type PieceName, pieceName } from '../stream/stream-names.js';
import type { StreamSurvey } from './stream-survey.js';

export interface RowPiece extends PieceName {
  readonly store: ObjectStore;
  readonly object: string;
  /** Its chain, where the backup says it. */
  readonly chain: string | undefined;
}

export interface LogRow {
  readonly shard: number;
  /** All of the shard up to it is in tables. */
  readonly flushedSeqno: number;
  /** In the order in which they are to be read; they may overlap. */
  readonly pieces: readonly RowPiece[];
  /** All of the shard up to it is known. */
  readonly reach: number;
  /** Where pieces go on behind `reach`, if there are any: in between is a gap. */
  readonly goesOnAt: number | undefined;
}

/** Throws CORRUPT_BACKUP when the backup itself has a gap. */
export function logRow(chain: Chain, stream: StreamSurvey | undefined, shard: number): LogRow {
  const { manifest } = chain[0];
  const flushedSeqno = manifest.shard_states.find((state) => state.shard === shard)?.flushed_seqno ?? 0;
  const pieces: RowPiece[] = piecesOf(chain, shard).map(({ member, piece }) => ({
    after: piece.after,
    through: piece.through,
    store: member.store,
    object: piece.object,
    chain: piece.chain,
  }));
  let reach = manifest.seqno;
  const offered = stream?.pieces[shard] ?? [];
  for (let next = nextPiece(offered, reach); next !== undefined; next = nextPiece(offered, reach)) {
    // Undefined only without a stream, which offers nothing.
    if (stream === undefined) break;
    pieces.push({ ...next, store: stream.store, object: pieceName(shard, next), chain: undefined });
    reach = next.through;
  }
  const goesOnAt = offered.find(({ after, through }) => after > reach && through > reach)?.after;
  const head = stream?.head?.seqno ?? 0;
  // Behind its last piece the shard has written nothing up to the head.
  if (goesOnAt === undefined) reach = Math.max(reach, head);
  return { shard, flushedSeqno, pieces, reach, goesOnAt };
}

/** The one that leads furthest, of those that leave no gap: a crash may have left a shorter one beside it. */
function nextPiece(offered: readonly PieceName[], reach: number): PieceName | undefined {
  let best: PieceName | undefined;
  for (const piece of offered) {
    if (piece.after > reach) break;
    if (piece.through > reach && piece.through > (best?.through ?? 0)) best = piece;
  }
  return best;
}
