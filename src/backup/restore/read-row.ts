/**
 * Reads the batches of a row of pieces in order, each once, and checks that the pieces belong to each other. Any thread.
 */

import { DbError } from '../../base/errors.js';
import { seqnosTaken } from '../../wal/format.js';
import { damaged } from '../damaged.js';
import type { PieceRecord } from '../log-piece/piece-format.js';
import { readPiece } from '../log-piece/piece-reader.js';
import { NO_CHAIN_HEX } from '../manifest/log-coverage.js';
import { decodeObject } from '../object/object-reader.js';
import type { LogRow, RowPiece } from './log-row.js';

export interface ReadRowOptions {
  /** 32 bytes. */
  readonly key?: Uint8Array;
  readonly signal?: AbortSignal;
  /** Pieces that begin behind it are not read. */
  readonly through: number;
  /** Batches that are not all in tables, in order. False: no more are wanted, also not the rest of the row. */
  readonly onRecord: (record: PieceRecord) => boolean;
}

export interface ReadRow {
  /** Of the last piece that was read, as hexadecimal digits; zeros when none was. */
  readonly chain: string;
  readonly pieces: number;
}

/** Throws CORRUPT_BACKUP, BACKUP_KEY, and what the stores throw. */
export async function readRow(row: LogRow, options: ReadRowOptions): Promise<ReadRow> {
  let lastSeqno = row.flushedSeqno;
  let isWanted = true;
  let streamed: { readonly piece: RowPiece; readonly chain: string } | undefined;
  let last = NO_CHAIN_HEX;
  let pieces = 0;
  for (const piece of row.pieces) {
    if (!isWanted || piece.after >= options.through) break;
    const name = `${piece.store.url}/${piece.object}`;
    const raw = decodeObject(piece.store.get(piece.object, { signal: options.signal }), {
      name,
      key: options.key,
    });
    const found = await readPiece(raw, {
      name,
      onRecord: (record) => {
        const { firstSeqno, operationCount } = record;
        const last = firstSeqno + seqnosTaken(operationCount) - 1;
        if (!isWanted || last <= lastSeqno) return;
        if (firstSeqno <= lastSeqno)
          throw damaged(name, `its batch of seqno ${firstSeqno} overlaps what came before`);
        lastSeqno = last;
        isWanted = options.onRecord(record);
      },
    });
    const chain = Buffer.from(found.chain).toString('hex');
    requirePlace(name, row, piece, found);
    if (piece.chain !== undefined && chain !== piece.chain && !(await hasTwin(piece, piece.chain, options)))
      throw damaged(name, 'its chain is not the one that its source names: it was exchanged');
    const previousChain = Buffer.from(found.previousChain).toString('hex');
    // Backups and the stream are chained each for itself. A row that began anew has zeros there, and a piece that overlaps
    // does not go on from the one before.
    if (piece.isStreamed && streamed?.piece.through === piece.after && previousChain !== NO_CHAIN_HEX) {
      const isNext =
        streamed.chain === previousChain || (await hasTwin(streamed.piece, previousChain, options));
      if (!isNext)
        throw damaged(name, 'it does not go on from the piece before it: one of them was exchanged');
    }
    last = chain;
    if (piece.isStreamed) streamed = { piece, chain };
    pieces++;
  }
  return { chain: last, pieces };
}

/** Whether another piece that ends there has this chain. One that is damaged is none. */
async function hasTwin(
  { store, twins }: RowPiece,
  chain: string,
  { key, signal }: ReadRowOptions,
): Promise<boolean> {
  for (const object of twins) {
    const name = `${store.url}/${object}`;
    try {
      const found = await readPiece(decodeObject(store.get(object, { signal }), { name, key }), { name });
      if (Buffer.from(found.chain).toString('hex') === chain) return true;
    } catch (error) {
      if (!(error instanceof DbError) || error.code !== 'CORRUPT_BACKUP') throw error;
    }
  }
  return false;
}

function requirePlace(
  name: string,
  { shard }: LogRow,
  expected: RowPiece,
  found: { readonly shard: number; readonly after: number; readonly through: number },
): void {
  if (found.shard === shard && found.after === expected.after && found.through === expected.through) return;
  throw damaged(name, `it is the log of shard ${found.shard} from ${found.after} to ${found.through}`);
}
