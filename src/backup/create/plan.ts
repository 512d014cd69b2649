/** What a backup has to copy, and what others hold already. Pure. */
import type { CodecName } from '../../sst/codec.js';
import { shardName } from '../../tools/shard-place.js';
import type { CheckpointShard } from '../checkpoint/checkpoint-file.js';
import type { BackedUpFile, BackedUpPiece } from '../manifest/backup-manifest.js';
import type { Chain } from '../manifest/chain.js';
import { NO_CHAIN_HEX } from '../manifest/log-coverage.js';
import type { CheckpointFile, CheckpointTable } from './checkpoint-contents.js';

/** `shard-0000/sst/0000000007.sst` → `shard-0000/0000000007.sst.zstd`. */
export const tableObject = (path: string, compression: CodecName): string =>
  `${path.replace('/sst/', '/')}.${compression}`;

/** `shard-0000/sst/MANIFEST-0000000001` → `shard-0000/manifest`, `catalog.json` → `catalog`. */
export const fileObject = ({ path }: CheckpointFile): string =>
  path
    .replace('/sst/MANIFEST-', '/manifest-')
    .replace(/\/manifest-\d+$/, '/manifest')
    .replace('/sst/CURRENT', '/current')
    .replace(/\.json$/, '');

export const logObject = (shard: number): string => `${shardName(shard)}/log`;

/** Tables that the chain holds, and those that it lacks. */
export interface TablePlan {
  readonly reused: readonly BackedUpFile[];
  readonly missing: readonly CheckpointTable[];
}

export function planTables(tables: readonly CheckpointTable[], chain: Chain | undefined): TablePlan {
  const parent = chain?.[0];
  const held = new Map(parent?.manifest.files.map((file) => [file.path, file]));
  const reused: BackedUpFile[] = [];
  const missing: CheckpointTable[] = [];
  for (const table of tables) {
    const file = held.get(table.path);
    const isSame = file?.size_bytes === table.sizeBytes && file.modified_ms === table.modifiedMs;
    if (parent !== undefined && file !== undefined && isSame)
      reused.push({ ...file, in: file.in ?? parent.name });
    else missing.push(table);
  }
  return { reused, missing };
}

/** Where the piece of a shard begins, and what it is chained to. */
export interface PieceStartPlan {
  readonly after: number;
  readonly previousChain: string;
}

/** As little of the log as completes the chain. */
export function planPiece(
  { shard, flushed_seqno }: CheckpointShard,
  chain: Chain | undefined,
): PieceStartPlan {
  const last = lastPiece(chain, shard);
  if (last === undefined || last.through < flushed_seqno)
    return { after: flushed_seqno, previousChain: NO_CHAIN_HEX };
  return { after: last.through, previousChain: last.chain };
}

/** It ends where the parent does. */
function lastPiece(chain: Chain | undefined, shard: number): BackedUpPiece | undefined {
  const manifest = chain?.[0].manifest;
  return manifest?.log.find((piece) => piece.shard === shard && piece.through === manifest.seqno);
}
