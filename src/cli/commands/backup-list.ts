/** `lumadb backup list`: the backups of a folder, and in what state they are. */
import type { FoundBackup } from '../../backup/manifest/backup-folder.js';
import { ownObjects } from '../../backup/manifest/objects-present.js';
import { type BackupStoreOptions, folderOf, keyOf } from '../backup/options.js';
import { bytesText, configOf, type OfflineOptions } from '../offline.js';
import { EXIT_OK, print, printJson } from '../output.js';
import { clean, plainTable } from '../render.js';

export interface ListCliOptions extends OfflineOptions, BackupStoreOptions {
  readonly source?: string;
}

export async function list(options: ListCliOptions): Promise<number> {
  const config = await configOf(options);
  const source = folderOf(options.source, config);
  const key = keyOf(options, config);
  const { openFolder } = await import('../../runtime/backup/places.js');
  const { surveyFolder } = await import('../../backup/manifest/backup-folder.js');
  const folder = openFolder(source, config);
  try {
    const found = (await surveyFolder(folder, { key })).map(listed);
    if (options.json) printJson({ source, backups: found });
    else if (found.length === 0) print(`no backups in ${source}`);
    else print(tableOf(found));
    return EXIT_OK;
  } finally {
    await folder.close();
  }
}

interface Listed {
  readonly name: string;
  readonly type: string | null;
  readonly taken_at: string | null;
  readonly seqno: number | null;
  /** Of the objects that it holds itself. */
  readonly stored_bytes: number | null;
  readonly parent: string | null;
  readonly state: 'complete' | 'interrupted' | 'damaged' | 'broken chain' | 'unreadable';
  /** Why it is not complete. */
  readonly reason: string | null;
}

function listed(backup: FoundBackup): Listed {
  const { name } = backup;
  if (backup.state === 'interrupted' || backup.state === 'unreadable') {
    const [reason, parent] = backup.state === 'unreadable' ? [backup.reason, backup.parent] : [null, null];
    const unknown = { type: null, taken_at: null, seqno: null, stored_bytes: null, parent };
    return { name, ...unknown, state: backup.state, reason };
  }
  const { manifest } = backup;
  const { type, taken_at, seqno, parent } = manifest;
  return {
    name,
    type,
    taken_at,
    seqno,
    stored_bytes: ownObjects(manifest).reduce((sum, { bytes }) => sum + bytes, 0),
    parent: parent?.name ?? null,
    state: backup.state === 'complete' ? 'complete' : backup.isOwn ? 'damaged' : 'broken chain',
    reason: backup.state === 'complete' ? null : backup.reason,
  };
}

function tableOf(found: readonly Listed[]): string {
  const text = (value: string | number | null): string => (value === null ? '-' : clean(String(value)));
  const rows = found.map(({ name, type, taken_at, seqno, stored_bytes, parent, state, reason }) => [
    clean(name),
    text(type),
    text(taken_at),
    text(seqno),
    stored_bytes === null ? '-' : bytesText(stored_bytes),
    text(parent),
    reason === null ? state : `${state}: ${clean(reason)}`,
  ]);
  return plainTable(['name', 'type', 'taken_at', 'seqno', 'size', 'parent', 'state'], rows);
}
