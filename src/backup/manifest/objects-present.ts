/** Whether the objects that backups name are there, with their sizes: a look at lists, not at contents. Any thread. */
import type { BackupManifest } from './backup-manifest.js';
import type { ChainMember } from './chain.js';

export interface NamedObject {
  readonly object: string;
  readonly bytes: number;
  /** The file, or the piece of the log, that it holds. */
  readonly what: string;
}

export interface AbsentObject extends NamedObject {
  readonly reason: string;
}

/** What this backup holds itself. */
export function ownObjects({ files, log }: BackupManifest): NamedObject[] {
  const own = files.filter((file) => file.in === undefined);
  return [
    ...own.map(({ object, object_bytes: bytes, path: what }) => ({ object, bytes, what })),
    ...log.map(({ object, object_bytes: bytes, shard }) => ({
      object,
      bytes,
      what: `log of shard ${shard}`,
    })),
  ];
}

/** Those that are missing or of another size. */
export async function absentObjects({ manifest, store }: ChainMember): Promise<AbsentObject[]> {
  const sizes = new Map<string, number>();
  for await (const { name, sizeBytes } of store.list('')) sizes.set(name, sizeBytes);
  return ownObjects(manifest).flatMap((named) => {
    const size = sizes.get(named.object);
    if (size === named.bytes) return [];
    const reason = size === undefined ? 'is missing' : `has ${size} bytes instead of ${named.bytes}`;
    return [{ ...named, reason }];
  });
}

/** Looks of the same folder, by name: for those who look at many chains that share their parents. */
export type KnownAbsent = Map<string, Promise<readonly AbsentObject[]>>;

/** What is missing in any of them, as one sentence for people; undefined when all is there. */
export async function whatIsAbsent(
  members: readonly ChainMember[],
  known: KnownAbsent = new Map(),
): Promise<string | undefined> {
  for (const member of members) {
    const looked = known.get(member.name) ?? absentObjects(member);
    known.set(member.name, looked);
    const [first, ...more] = await looked;
    if (first === undefined) continue;
    const others = more.length === 0 ? '' : `, and ${more.length} more objects are not as they should be`;
    return `${first.object} (${first.what}) in ${member.name} ${first.reason}${others}`;
  }
  return undefined;
}
