/** Which of the backups beside one can give back what it cannot. For messages; any thread. */
import { surveyFolder } from '../manifest/backup-folder.js';
import type { SealedManifest } from '../manifest/backup-manifest.js';
import type { ObjectStore } from '../store/object-store.js';

const NAMED_MAX = 3;

/** Names, the newest first; none when nobody can look. `instanceId`: of the database. */
export async function earlierBackups(
  siblings: ObjectStore | undefined,
  instanceId: string,
  wanted: { readonly seqno: number } | { readonly timeMs: number },
  key?: Uint8Array,
): Promise<string[]> {
  if (siblings === undefined) return [];
  const leadsThere = ({ shard_states, taken_at }: SealedManifest): boolean =>
    'seqno' in wanted
      ? shard_states.every(({ flushed_seqno }) => flushed_seqno <= wanted.seqno)
      : Date.parse(taken_at) <= wanted.timeMs;
  try {
    const found = await surveyFolder(siblings, { ...(key && { key }) });
    return found
      .flatMap((each) => (each.state === 'complete' ? [each.manifest] : []))
      .filter((manifest) => manifest.instance_id === instanceId && leadsThere(manifest))
      .sort((a, b) => b.seqno - a.seqno)
      .slice(0, NAMED_MAX)
      .map(({ name }) => name);
  } catch {
    // What they could do is a hint beside an error that is told anyway.
    return [];
  }
}
