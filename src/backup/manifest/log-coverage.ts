/**
 * Which pieces of the log bring a shard from its tables to the seqno of a backup: those of the backup and of its parents,
 * which follow each other without a gap and are chained. Pure.
 */
import { damaged } from '../damaged.js';
import { NO_CHAIN } from '../log-piece/piece-format.js';
import type { BackedUpPiece } from './backup-manifest.js';
import type { Chain, ChainMember, ChainProblem } from './chain.js';

export interface HeldPiece {
  readonly member: ChainMember;
  readonly piece: BackedUpPiece;
}

/** As hexadecimal digits, like in manifests. */
export const NO_CHAIN_HEX = Buffer.from(NO_CHAIN).toString('hex');

/** The pieces of a shard that the newest backup needs, oldest first. Throws CORRUPT_BACKUP when there is a gap. */
export function piecesOf(chain: Chain, shard: number): HeldPiece[] {
  const found = findPieces(chain, shard);
  if (typeof found !== 'string') return found;
  const [{ store }] = chain;
  throw damaged(store.url, found);
}

/** For each shard whose log is not all there. */
export function coverageProblems(chain: Chain): ChainProblem[] {
  const [{ name, manifest }] = chain;
  return Array.from({ length: manifest.shards }, (_, shard) => shard).flatMap((shard) => {
    const found = findPieces(chain, shard);
    return typeof found === 'string' ? [{ backup: name, reason: found }] : [];
  });
}

/** Backwards from the seqno of the backup to what is in tables. Returns why it does not get there. */
function findPieces(chain: Chain, shard: number): HeldPiece[] | string {
  const [{ manifest }] = chain;
  const flushed = manifest.shard_states.find((state) => state.shard === shard)?.flushed_seqno;
  if (flushed === undefined) return `it says nothing of shard ${shard}`;
  if (flushed > manifest.seqno) return `the tables of shard ${shard} are of a later seqno (${flushed})`;
  const pieces: HeldPiece[] = [];
  let reached = manifest.seqno;
  for (const held of newestFirst(chain, shard)) {
    if (reached <= flushed) break;
    const { piece, member } = held;
    if (piece.through !== reached)
      return `the log of shard ${shard} has a gap between ${piece.through} and ${reached}`;
    const next = pieces.at(-1)?.piece;
    if (next !== undefined && next.previous_chain !== piece.chain)
      return `the log of shard ${shard} in ${member.name} is not the one that goes on at ${reached}`;
    pieces.push(held);
    reached = piece.after;
  }
  if (reached <= flushed) return pieces.reverse();
  return `the log of shard ${shard} begins behind ${reached}, its tables end at ${flushed}`;
}

function newestFirst(chain: Chain, shard: number): HeldPiece[] {
  return chain.flatMap((member) =>
    member.manifest.log
      .filter((piece) => piece.shard === shard)
      .sort((a, b) => b.after - a.after)
      .map((piece) => ({ member, piece })),
  );
}
