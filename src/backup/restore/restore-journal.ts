/**
 * `restore.json` in the target of a restore that is under way. Format, writer and reader. While it is there no server opens the
 * directory (meta.json comes last), and the same restore goes on.
 *
 *   {"format_version":1,"backup":"<id>","digest":"…","source":"s3://…","seqno":1234,"collections":null,"state":"copying"}
 *
 * `state`: "copying" while files and logs are brought; "opening" from when the shards are opened, which changes their files.
 */
import { z } from 'zod';
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';

export const RESTORE_JOURNAL = 'restore.json';

const journal = z.strictObject({
  format_version: z.literal(1),
  backup: z.string(),
  digest: z.string(),
  source: z.string(),
  seqno: z.int().min(0),
  collections: z.array(z.string()).nullable(),
  state: z.enum(['copying', 'opening']),
});

export type RestoreJournal = Omit<z.output<typeof journal>, 'format_version'>;

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

/** Throws CONFLICT when `found` is of another restore than `wanted`. */
export function requireSameRestore(
  found: RestoreJournal,
  wanted: Omit<RestoreJournal, 'state'>,
  target: string,
): void {
  const isSame =
    found.digest === wanted.digest &&
    found.seqno === wanted.seqno &&
    JSON.stringify(found.collections) === JSON.stringify(wanted.collections);
  if (isSame) return;
  throw new DbError(
    'CONFLICT',
    `an unfinished restore of ${found.source} to seqno ${found.seqno} is in ${target}: run that again, or empty the directory`,
    { source: found.source, seqno: found.seqno },
  );
}
