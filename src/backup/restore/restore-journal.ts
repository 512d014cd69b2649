/**
 * `restore.json` in the target of a restore that is under way. Format, writer and reader. While it is there and meta.json is not, no
 * server opens the directory; whoever opens it with meta.json removes it. The same restore goes on from what it says.
 *
 *   {"format_version":1,"backup":"<id>","digest":"…","source":"s3://…","asked":"latest","seqno":1234,"catalog":null,
 *    "collections":null,"shards":4,"state":"copying","restored":null}
 *
 * `asked` is the point as it was asked for; `seqno` and `catalog` (an object of the stream) what that was found to be, which holds
 * for all runs, however far the stream has come meanwhile. `shards` is how many there shall be. `state`:
 *
 * - "copying": files and logs are brought.
 * - "spreading": all are there, `restored` says of each shard what came; a reshard is under way, with a journal of its own.
 * - "opening": the shards are as they shall be, and are opened for the first time.
 */
import { z } from 'zod';
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';

export const RESTORE_JOURNAL = 'restore.json';

const count = z.int().min(0);
const restoredShard = z.strictObject({
  shard: count,
  flushedSeqno: count,
  records: count,
  operations: count,
  lastSeqno: count,
  lastWallClockMs: count,
  databaseSeconds: count,
  pieces: count,
  chain: z.string(),
});

const journal = z.strictObject({
  format_version: z.literal(1),
  backup: z.string(),
  digest: z.string(),
  source: z.string(),
  asked: z.string(),
  seqno: count,
  catalog: z.string().nullable(),
  collections: z.array(z.string()).nullable(),
  shards: z.int().min(1),
  state: z.enum(['copying', 'spreading', 'opening']),
  restored: z.array(restoredShard).nullable(),
});

export type RestoreJournal = Omit<z.output<typeof journal>, 'format_version'>;
/** What one restore is, whatever has come of it. */
export type RestoreIdentity = Omit<RestoreJournal, 'state' | 'restored'>;

/** Undefined when there is none. Throws CORRUPT_BACKUP. */
export function readRestoreJournal(vfs: Vfs, target: string): RestoreJournal | undefined {
  const file = `${target}/${RESTORE_JOURNAL}`;
  if (!vfs.exists(file)) return undefined;
  try {
    const { format_version: _, ...contents } = journal.parse(
      JSON.parse(Buffer.from(vfs.readFile(file)).toString()),
    );
    return contents;
  } catch {
    const message = `${file} cannot be read: empty the directory, or restore into another`;
    throw new DbError('CORRUPT_BACKUP', message, { file });
  }
}

/** Durable when it returns. */
export function writeRestoreJournal(vfs: Vfs, target: string, contents: RestoreJournal): void {
  const text = `${JSON.stringify({ format_version: 1, ...contents })}\n`;
  vfs.writeFileAtomic(`${target}/${RESTORE_JOURNAL}`, Buffer.from(text));
}

/** Whether two runs ask for the same, of whatever place the backup is read from. */
export function isSameRestore(
  found: RestoreIdentity,
  {
    digest,
    asked,
    collections,
    shards,
  }: Pick<RestoreIdentity, 'digest' | 'asked' | 'collections' | 'shards'>,
): boolean {
  return (
    found.digest === digest &&
    found.asked === asked &&
    found.shards === shards &&
    JSON.stringify(found.collections) === JSON.stringify(collections)
  );
}

/** Throws CONFLICT when `found` is of another restore than `wanted`. */
export function requireSameRestore(found: RestoreJournal, wanted: RestoreIdentity, target: string): void {
  if (isSameRestore(found, wanted) && found.seqno === wanted.seqno && found.catalog === wanted.catalog)
    return;
  throw new DbError(
    'CONFLICT',
    `an unfinished restore of ${found.source} (to ${found.asked}, seqno ${found.seqno}) is in ${target}: run that again, or empty ` +
      'the directory',
    { source: found.source, seqno: found.seqno },
  );
}
