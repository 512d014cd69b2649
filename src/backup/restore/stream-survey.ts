/** What a WAL stream holds (stream/stream-names.ts), by names and its head alone. Any thread. */
import { DbError } from '../../base/errors.js';
import type { ObjectStore } from '../store/object-store.js';
import { decodeStreamHead, STREAM_HEAD_BYTES_MAX, type StreamHead } from '../stream/stream-head.js';
import {
  type CatalogName,
  type PieceName,
  parseCatalogName,
  parsePieceName,
  pieceFolder,
  STREAM_CATALOGS,
  STREAM_HEAD,
} from '../stream/stream-names.js';

export interface StreamSurvey {
  /** Of the instance. */
  readonly store: ObjectStore;
  /** By shard; sorted by `after`. */
  readonly pieces: ReadonlyArray<readonly PieceName[]>;
  /** In the order in which they came. */
  readonly catalogs: readonly CatalogName[];
  /** Undefined: nobody said so far how far all shards have come. */
  readonly head: StreamHead | undefined;
}

/** Undefined when nothing of the instance is there. Throws what the store throws, and CORRUPT_BACKUP for a damaged head. */
export async function surveyStream(
  root: ObjectStore,
  instanceId: string,
  shards: number,
): Promise<StreamSurvey | undefined> {
  const store = root.below(instanceId);
  // A server may go on streaming meanwhile. The head first: all that it speaks of is then among the pieces. The catalogs last: those
  // of all pieces are then among them.
  const head = await readHead(store);
  const pieces = await Promise.all(Array.from({ length: shards }, (_, shard) => piecesIn(store, shard)));
  const catalogs: CatalogName[] = [];
  for await (const { name } of store.list(STREAM_CATALOGS)) {
    const parsed = parseCatalogName(name);
    if (parsed !== undefined) catalogs.push(parsed);
  }
  if (head === undefined && catalogs.length === 0 && pieces.every((row) => row.length === 0))
    return undefined;
  return { store, pieces, catalogs: catalogs.sort((a, b) => a.number - b.number), head };
}

async function piecesIn(store: ObjectStore, shard: number): Promise<PieceName[]> {
  const found: PieceName[] = [];
  for await (const { name } of store.list(pieceFolder(shard))) {
    const parsed = parsePieceName(shard, name);
    if (parsed !== undefined) found.push(parsed);
  }
  return found.sort((a, b) => a.after - b.after || a.through - b.through);
}

async function readHead(store: ObjectStore): Promise<StreamHead | undefined> {
  let bytes: Uint8Array;
  try {
    bytes = await store.read(STREAM_HEAD, STREAM_HEAD_BYTES_MAX);
  } catch (error) {
    if (error instanceof DbError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  return decodeStreamHead(Buffer.from(bytes).toString(), `${store.url}/${STREAM_HEAD}`);
}
