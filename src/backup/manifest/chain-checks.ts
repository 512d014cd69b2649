/** What must be true between the backups of a chain, of their files. Pure. For the log see log-coverage.ts. */
import type { BackedUpFile } from './backup-manifest.js';
import type { ChainMember, ChainProblem } from './chain.js';

/** `chain`: from the newest on; as many as could be read. */
export function memberProblems(chain: readonly ChainMember[]): ChainProblem[] {
  return chain.flatMap((member, at) => [
    ...relationProblems(member, chain[at + 1]),
    ...fileProblems(member, chain.slice(at + 1)),
  ]);
}

function relationProblems({ name, manifest }: ChainMember, parent: ChainMember | undefined): ChainProblem[] {
  const problems: ChainProblem[] = [];
  const add = (reason: string): void => void problems.push({ backup: name, reason });
  if ((manifest.type === 'full') !== (manifest.parent === null))
    add(`it is ${manifest.type} and ${manifest.parent === null ? 'has no parent' : 'has a parent'}`);
  if (parent === undefined) return problems;
  const older = parent.manifest;
  if (older.instance_id !== manifest.instance_id)
    add(`it is of database ${manifest.instance_id}, its parent ${parent.name} of ${older.instance_id}`);
  if (older.shards !== manifest.shards)
    add(`it has ${manifest.shards} shards, its parent ${parent.name} has ${older.shards}`);
  if (older.seqno > manifest.seqno)
    add(`it is of seqno ${manifest.seqno}, before its parent ${parent.name} of ${older.seqno}`);
  if (older.encryption?.key_id !== manifest.encryption?.key_id)
    add(`its parent ${parent.name} is encrypted in another way`);
  if (!isSameSet(older.collections, manifest.collections))
    add(`its parent ${parent.name} is of other collections`);
  return problems;
}

/** A file that another backup holds must be there, with the same bytes. */
function fileProblems({ name, manifest }: ChainMember, parents: readonly ChainMember[]): ChainProblem[] {
  const held = new Map(parents.map((parent) => [parent.name, ownFiles(parent)]));
  const problems: ChainProblem[] = [];
  for (const file of manifest.files) {
    if (file.in === undefined) continue;
    const own = held.get(file.in)?.get(file.path);
    if (own !== undefined && isSameObject(own, file)) continue;
    const what = own === undefined ? 'does not have it' : 'has another';
    problems.push({ backup: name, reason: `${file.path} should be in ${file.in}, which ${what}` });
  }
  return problems;
}

const ownFiles = ({ manifest }: ChainMember): Map<string, BackedUpFile> =>
  new Map(manifest.files.filter((file) => file.in === undefined).map((file) => [file.path, file]));

const isSameObject = (a: BackedUpFile, b: BackedUpFile): boolean =>
  a.sha256 === b.sha256 &&
  a.size_bytes === b.size_bytes &&
  a.object === b.object &&
  a.object_bytes === b.object_bytes;

/** Null: all collections. */
export function isSameSet(a: readonly string[] | null, b: readonly string[] | null): boolean {
  if (a === null || b === null) return a === b;
  const other = new Set(b);
  return new Set(a).size === other.size && a.every((name) => other.has(name));
}
