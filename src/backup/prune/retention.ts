/**
 * Which backups stay and why. Pure: it decides, prune-backups.ts acts.
 *
 * - A backup stays for as long as its type is kept, counted from when it was taken.
 * - What a kept one builds upon stays, whatever its age.
 * - The newest complete backup stays with its chain: of each database, and of each choice of collections of it. Nobody is ever left
 *   with nothing.
 * - What cannot be read stays, and what it says that it builds upon: nobody knows what it is. People may remove it.
 */
import type { FoundBackup } from '../manifest/backup-folder.js';

export interface Retention {
  readonly fullMs: number;
  readonly incrementalMs: number;
  /** Of the streamed log. */
  readonly walMs: number;
}

const DAY_MS = 24 * 3_600_000;
/** As the manual has it. */
export const RETENTION_DEFAULT: Retention = {
  fullMs: 28 * DAY_MS,
  incrementalMs: 14 * DAY_MS,
  walMs: 7 * DAY_MS,
};
/** Interrupted backups are kept so long: somebody may want to go on with them. */
export const INTERRUPTED_MS_MAX = DAY_MS;

export interface Verdict {
  readonly name: string;
  readonly isKept: boolean;
  readonly reason: string;
}

/** One for each backup, in the order in which those that go may be removed: what builds upon others in front of them. */
export function decideRetention(
  found: readonly FoundBackup[],
  retention: Retention,
  nowMs: number,
): Verdict[] {
  const reasons = new Map<string, string>();
  const byName = new Map(found.map((backup) => [backup.name, backup]));
  for (const backup of found) {
    const reason = ownReason(backup, retention, nowMs);
    if (reason !== undefined) reasons.set(backup.name, reason);
  }
  for (const { name, what } of newestComplete(found)) if (!reasons.has(name)) reasons.set(name, what);
  for (const name of [...reasons.keys()]) keepParents(name, byName, reasons);
  return inOrderOfRemoval(found, byName).map((backup) => {
    const reason = reasons.get(backup.name);
    return {
      name: backup.name,
      isKept: reason !== undefined,
      reason: reason ?? removalReason(backup, nowMs),
    };
  });
}

function ownReason(backup: FoundBackup, retention: Retention, nowMs: number): string | undefined {
  switch (backup.state) {
    case 'unreadable':
      return `it cannot be read, and so not judged: ${backup.reason}`;
    case 'interrupted':
      return nowMs - backup.modifiedMs <= INTERRUPTED_MS_MAX
        ? 'it was interrupted less than a day ago: another run may go on with it'
        : undefined;
    default: {
      const { type } = backup.manifest;
      const keptMs = type === 'full' ? retention.fullMs : retention.incrementalMs;
      return ageMs(backup, nowMs) <= keptMs ? `${type}, ${ageText(ageMs(backup, nowMs))} old` : undefined;
    }
  }
}

function removalReason(backup: FoundBackup, nowMs: number): string {
  if (backup.state === 'interrupted') return 'it was interrupted, and nobody went on with it';
  if (backup.state === 'unreadable') return backup.reason;
  return `${backup.manifest.type}, ${ageText(ageMs(backup, nowMs))} old`;
}

/** The newest one of each database and choice of collections. */
function newestComplete(found: readonly FoundBackup[]): { readonly name: string; readonly what: string }[] {
  const newest = new Map<string, Extract<FoundBackup, { state: 'complete' }>>();
  for (const backup of found) {
    if (backup.state !== 'complete') continue;
    const { instance_id, collections } = backup.manifest;
    const of = JSON.stringify([instance_id, collections === null ? null : [...collections].sort()]);
    const known = newest.get(of);
    if (known === undefined || isNewer(backup, known)) newest.set(of, backup);
  }
  return [...newest.values()].map(({ name, manifest }) => ({
    name,
    what: `the newest complete one of database ${manifest.instance_id}`,
  }));
}

type Complete = Extract<FoundBackup, { state: 'complete' }>;

const isNewer = (a: Complete, b: Complete): boolean =>
  Date.parse(a.manifest.taken_at) > Date.parse(b.manifest.taken_at) ||
  (a.manifest.taken_at === b.manifest.taken_at && a.manifest.seqno > b.manifest.seqno);

function keepParents(
  name: string,
  byName: ReadonlyMap<string, FoundBackup>,
  reasons: Map<string, string>,
): void {
  for (let child = name; ; ) {
    const backup = byName.get(child);
    const parent = backup === undefined ? null : parentName(backup);
    if (parent === null || reasons.has(parent) || !byName.has(parent)) return;
    reasons.set(parent, `${child} builds upon it`);
    child = parent;
  }
}

function parentName(backup: FoundBackup): string | null {
  if (backup.state === 'interrupted') return null;
  return backup.state === 'unreadable' ? backup.parent : (backup.manifest.parent?.name ?? null);
}

/** So that a run that is interrupted leaves no backup without what it builds upon. */
function inOrderOfRemoval(
  found: readonly FoundBackup[],
  byName: ReadonlyMap<string, FoundBackup>,
): FoundBackup[] {
  const depth = (backup: FoundBackup): number => {
    let steps = 0;
    // A circle of parents ends at the number of backups.
    for (let at = backup; steps <= found.length; steps++) {
      const parent = parentName(at);
      const next = parent === null ? undefined : byName.get(parent);
      if (next === undefined) return steps;
      at = next;
    }
    return steps;
  };
  return [...found].sort((a, b) => depth(b) - depth(a) || (a.name < b.name ? -1 : 1));
}

/** A clock that was wrong makes nothing older than it is: what was taken in the future is new. */
const ageMs = (
  { manifest }: Exclude<FoundBackup, { state: 'interrupted' | 'unreadable' }>,
  nowMs: number,
): number => Math.max(0, nowMs - Date.parse(manifest.taken_at));

function ageText(ms: number): string {
  const days = ms / DAY_MS;
  return days >= 2 ? `${Math.floor(days)} days` : `${Math.floor(ms / 3_600_000)} hours`;
}
