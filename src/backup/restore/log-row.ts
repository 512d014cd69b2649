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
  readonly isStreamed: boolean;
  /** Its chain, where its source says it: a backup of each, the head of a stream of the last. */
  readonly chain: string | undefined;
  /**
   * Objects of others that end where it ends. A server that was killed may have stored a piece and streamed the same batches again in
   * other ones: what follows is chained to one of them, and which one only their bytes tell.
   */
  readonly twins: readonly string[];
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
  /** Up to where there were pieces by the word of the stream's head, when they end at `reach` now. */
  readonly lostThrough: number | undefined;
}

/** Throws CORRUPT_BACKUP when the backup itself has a gap. */
export function logRow(chain: Chain, stream: StreamSurvey | undefined, shard: number): LogRow {
  const { manifest } = chain[0];
  const flushedSeqno = manifest.shard_states.find((state) => state.shard === shard)?.flushed_seqno ?? 0;
  const ofBackups: RowPiece[] = piecesOf(chain, shard).map(({ member, piece }) => ({
    after: piece.after,
    through: piece.through,
    store: member.store,
    object: piece.object,
    isStreamed: false,
    chain: piece.chain,
    twins: [],
  }));
  if (stream === undefined) {
    const ends = { reach: manifest.seqno, goesOnAt: undefined, lostThrough: undefined };
    return { shard, flushedSeqno, pieces: ofBackups, ...ends };
  }
  const offered = stream.pieces[shard];
  const { path, reach, goesOnAt } = pathBehind(manifest.seqno, offered);
  const ending = byEnd(offered);
  const said = stream.head?.shards.find((each) => each.shard === shard);
  const streamed: RowPiece[] = path.map((piece) => ({
    ...piece,
    store: stream.store,
    object: pieceName(shard, piece),
    isStreamed: true,
    chain: said?.through === piece.through ? said.chain : undefined,
    twins: (ending.get(piece.through) ?? [])
      .filter(({ after }) => after !== piece.after)
      .map((twin) => pieceName(shard, twin)),
  }));
  const lostThrough = said !== undefined && said.through > reach ? said.through : undefined;
  const isWhole = goesOnAt === undefined && lostThrough === undefined;
  return {
    shard,
    flushedSeqno,
    pieces: [...ofBackups, ...streamed],
    // Behind its last piece the shard has written nothing up to the head.
    reach: isWhole ? Math.max(reach, stream.head?.seqno ?? 0) : reach,
    goesOnAt,
    lostThrough,
  };
}

/** `offered`: sorted by `after`; there may be hundreds of thousands of them. */
function pathBehind(
  seqno: number,
  offered: readonly PieceName[],
): { readonly path: PieceName[]; readonly reach: number; readonly goesOnAt: number | undefined } {
  const path: PieceName[] = [];
  let reach = seqno;
  let at = 0;
  for (;;) {
    // The one that leads furthest, of those that leave no gap: a crash may have left a shorter one beside it.
    let best: PieceName | undefined;
    for (; at < offered.length && offered[at].after <= reach; at++)
      if (offered[at].through > (best?.through ?? reach)) best = offered[at];
    if (best === undefined) break;
    path.push(best);
    reach = best.through;
  }
  return { path, reach, goesOnAt: offered.at(at)?.after };
}

function byEnd(offered: readonly PieceName[]): Map<number, PieceName[]> {
  const ending = new Map<number, PieceName[]>();
  for (const piece of offered) {
    const same = ending.get(piece.through);
    if (same === undefined) ending.set(piece.through, [piece]);
    else same.push(piece);
  }
  return ending;
}
