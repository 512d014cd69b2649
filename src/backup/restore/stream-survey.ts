/** What a WAL stream holds (stream/stream-names.ts), by names and its head alone. Any thread. */
import { DbError } from '../../base/errors.js';
import type { ObjectStore } from '../store/object-store.js';
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
  /** All shards had arrived up to this seqno at this time; undefined: nobody said so. */
  readonly head: { readonly seqno: number; readonly takenAtMs: number } | undefined;
}

const HEAD_BYTES_MAX = 4096;

/** Undefined when nothing of the instance is there. Throws what the store throws, and CORRUPT_BACKUP for a damaged head. */
export async function surveyStream(
  root: ObjectStore,
  instanceId: string,
  shards: number,
): Promise<StreamSurvey | undefined> {
  const store = root.below(instanceId);
  const pieces = await Promise.all(Array.from({ length: shards }, (_, shard) => piecesIn(store, shard)));
  const catalogs: CatalogName[] = [];
  for await (const { name } of store.list(STREAM_CATALOGS)) {
    const parsed = parseCatalogName(name);
    if (parsed !== undefined) catalogs.push(parsed);
  }
  const head = await readHead(store);
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

async function readHead(store: ObjectStore): Promise<StreamSurvey['head']> {
  let text: string;
  try {
    text = Buffer.from(await store.read(STREAM_HEAD, HEAD_BYTES_MAX)).toString();
  } catch (error) {
    if (error instanceof DbError && error.code === 'NOT_FOUND') return undefined;
    throw error;
  }
  const file = `${store.url}/${STREAM_HEAD}`;
  try {
    const { seqno, taken_at } = JSON.parse(text) as { seqno: unknown; taken_at: unknown };
    const takenAtMs = Date.parse(String(taken_at));
    if (Number.isSafeInteger(seqno) && Number.isFinite(takenAtMs))
      return { seqno: seqno as number, takenAtMs };
  } catch {
    // Said below.
  }
  throw new DbError('CORRUPT_BACKUP', `${file} is damaged: it does not say how far the stream has come`, {
    file,
  });
}
