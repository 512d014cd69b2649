/**
 * What one shard must answer, over a Map: every version of every key, with the seqno of its write. Batches are applied in
 * the order of their seqnos, also those whose fate is not known yet, and every question names the seqno at which it is
 * asked. So the same model says what a snapshot sees, what is acknowledged, and what a crash may leave: a prefix.
 */
import { hasExpired } from '../../src/base/database-clock.js';
import { EXPIRES_UNSET, storedExpiry } from '../../src/base/expiry.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import type { Operation } from './batches.js';
import { textOf } from './text.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

export const NEWEST = Number.MAX_SAFE_INTEGER;

export interface ModelVersion {
  readonly seqno: number;
  /** Undefined: a deletion. */
  readonly text: string | undefined;
  /** Database time in seconds, 0 = never. */
  readonly expiresAt: number;
}

export interface ModelDocument extends ModelVersion {
  readonly key: string;
  readonly text: string;
}

export interface ModelBatch {
  readonly operations: readonly Operation[];
  readonly firstSeqno: number;
  readonly allOrNothing: boolean;
  /** Database time in seconds. */
  readonly writtenAt: number;
}

export interface ModelAnswer {
  readonly statuses: readonly WriteStatus[];
  readonly seqnos: readonly number[];
}

interface Remembered {
  readonly fingerprint: number;
  readonly status: WriteStatus;
  readonly seqno: number;
}

interface Key {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Oldest first. */
  versions: ModelVersion[];
}

/** The last seqno that a batch takes. */
export function lastSeqnoOf({
  firstSeqno,
  operations,
}: Pick<ModelBatch, 'firstSeqno' | 'operations'>): number {
  return firstSeqno + Math.max(operations.length, 1) - 1;
}

export class LsmModel {
  private readonly collections = new Map<number, Map<string, Key>>();
  private readonly remembered = new Map<number, Remembered>();
  /** Keys of a collection in order; forgotten when one is added. */
  private readonly sorted = new Map<number, readonly Key[]>();
  /** Last seqno of each batch that was applied and may still be undone, in order. */
  private ends: number[] = [];

  /** Applies a batch and returns what its client must be told. Seqnos are above all that were applied before. */
  apply(batch: ModelBatch): ModelAnswer {
    this.ends.push(lastSeqnoOf(batch));
    const { operations, firstSeqno, writtenAt } = batch;
    if (batch.allOrNothing) {
      const objections = operations.map((each) => this.objection(each, writtenAt));
      if (objections.some((objection) => objection !== undefined)) {
        const statuses = objections.map((objection) => objection ?? WriteStatus.Aborted);
        return { statuses, seqnos: operations.map((_, i) => firstSeqno + i) };
      }
    }
    const statuses: WriteStatus[] = [];
    const seqnos: number[] = [];
    for (const [index, operation] of operations.entries()) {
      const known = this.known(operation);
      const isSame = known !== undefined && known.fingerprint === operation.operationId?.[2];
      const seqno = firstSeqno + index;
      const status =
        known === undefined
          ? this.applyOne(operation, seqno, writtenAt)
          : isSame
            ? known.status
            : WriteStatus.OperationIdReused;
      statuses.push(status);
      seqnos.push(known !== undefined && isSame ? known.seqno : seqno);
      const id = operation.operationId;
      if (known === undefined && id !== undefined)
        this.remembered.set(identityOf(operation, id[0]), { fingerprint: id[2], status, seqno });
    }
    return { statuses, seqnos };
  }

  /** The version of a key that a reader at `seqno` finds, deletions and expired documents included. */
  at(collection: number, key: string, seqno: number): ModelVersion | undefined {
    const found = this.collections.get(collection)?.get(key);
    return found === undefined ? undefined : visibleAt(found.versions, seqno);
  }

  /** What clients see of a key. */
  document(collection: number, key: string, seqno: number, nowSeconds: number): ModelVersion | undefined {
    const version = this.at(collection, key, seqno);
    return version?.text === undefined || hasExpired(version.expiresAt, nowSeconds) ? undefined : version;
  }

  /** All documents of a collection that a reader at `seqno` sees, in the order of their keys. */
  documents(collection: number, seqno: number, nowSeconds: number): ModelDocument[] {
    const documents: ModelDocument[] = [];
    for (const { text: key, versions } of this.keysOf(collection)) {
      const version = visibleAt(versions, seqno);
      if (version?.text === undefined || hasExpired(version.expiresAt, nowSeconds)) continue;
      documents.push({ ...version, text: version.text, key });
    }
    return documents;
  }

  /** What the statistics count: documents whose deletion has not been written, expired or not. */
  figures(collection: number, seqno: number): { documents: number; bytes: number } {
    let documents = 0;
    let bytes = 0;
    for (const { versions } of this.keysOf(collection)) {
      const text = visibleAt(versions, seqno)?.text;
      if (text === undefined) continue;
      documents++;
      bytes += Buffer.byteLength(text);
    }
    return { documents, bytes };
  }

  /** Newest versions that expired by `nowSeconds` and that nobody has removed. */
  uncollected(collection: number, seqno: number, nowSeconds: number): string[] {
    return this.keysOf(collection)
      .filter(({ versions }) => {
        const version = visibleAt(versions, seqno);
        return version?.text !== undefined && hasExpired(version.expiresAt, nowSeconds);
      })
      .map(({ text }) => text);
  }

  /** True when a batch ends exactly here: a state that a crash may leave. 0 is the empty shard. */
  isBoundary(seqno: number): boolean {
    return seqno === 0 || this.ends.includes(seqno);
  }

  /** Forgets everything above `seqno`: a crash has undone it. */
  undoAfter(seqno: number): void {
    this.ends = this.ends.filter((end) => end <= seqno);
    for (const keys of this.collections.values())
      for (const key of keys.values())
        if ((key.versions.at(-1)?.seqno ?? 0) > seqno)
          key.versions = key.versions.filter((version) => version.seqno <= seqno);
    for (const [identity, known] of this.remembered)
      if (known.seqno > seqno) this.remembered.delete(identity);
  }

  /** Forgets versions that nobody can ask for: no crash goes back before `seqno`, and no snapshot is older. */
  settleThrough(seqno: number): void {
    this.ends = this.ends.filter((end) => end >= seqno);
    for (const keys of this.collections.values()) {
      for (const key of keys.values()) {
        const first = key.versions.findLastIndex((version) => version.seqno <= seqno);
        if (first > 0) key.versions = key.versions.slice(first);
      }
    }
  }

  /** A model of its own that knows what this one does. */
  copy(): LsmModel {
    const copy = new LsmModel();
    for (const [collection, keys] of this.collections) {
      const copied = new Map<string, Key>();
      for (const [text, key] of keys) copied.set(text, { ...key, versions: [...key.versions] });
      copy.collections.set(collection, copied);
    }
    for (const [identity, known] of this.remembered) copy.remembered.set(identity, known);
    copy.ends = [...this.ends];
    return copy;
  }

  dropCollection(collection: number): void {
    this.collections.delete(collection);
    this.sorted.delete(collection);
  }

  private keysOf(collection: number): readonly Key[] {
    const known = this.sorted.get(collection);
    if (known !== undefined) return known;
    const keys = [...(this.collections.get(collection)?.values() ?? [])];
    keys.sort((a, b) => Buffer.compare(a.bytes, b.bytes));
    this.sorted.set(collection, keys);
    return keys;
  }

  private push({ collection, key }: Operation, version: ModelVersion): void {
    let keys = this.collections.get(collection);
    if (keys === undefined) {
      keys = new Map();
      this.collections.set(collection, keys);
    }
    const text = textOf(key);
    const known = keys.get(text);
    if (known !== undefined) {
      known.versions.push(version);
      return;
    }
    keys.set(text, { text, bytes: key, versions: [version] });
    this.sorted.delete(collection);
  }

  private newest({ collection, key }: Operation): ModelVersion | undefined {
    return this.at(collection, textOf(key), NEWEST);
  }

  private visible(operation: Operation, nowSeconds: number): ModelVersion | undefined {
    const version = this.newest(operation);
    return version?.text === undefined || hasExpired(version.expiresAt, nowSeconds) ? undefined : version;
  }

  private known(operation: Operation): Remembered | undefined {
    const id = operation.operationId;
    return id === undefined ? undefined : this.remembered.get(identityOf(operation, id[0]));
  }

  private objection(operation: Operation, nowSeconds: number): WriteStatus | undefined {
    const known = this.known(operation);
    if (known !== undefined)
      return known.fingerprint === operation.operationId?.[2] ? undefined : WriteStatus.OperationIdReused;
    return this.conditionHolds(operation, nowSeconds) ? undefined : WriteStatus.PreconditionFailed;
  }

  private conditionHolds(operation: Operation, nowSeconds: number): boolean {
    const { kind, condition, expectedSeqno } = operation;
    if (kind === OperationKind.Expire || condition === ConditionKind.None) return true;
    const current = this.visible(operation, nowSeconds);
    if (condition === ConditionKind.IfAbsent) return current === undefined;
    if (condition === ConditionKind.IfPresent) return current !== undefined;
    return current?.seqno === expectedSeqno;
  }

  private applyOne(operation: Operation, seqno: number, nowSeconds: number): WriteStatus {
    const { kind, value, expiresAt } = operation;
    if (!this.conditionHolds(operation, nowSeconds)) return WriteStatus.PreconditionFailed;
    const current = this.visible(operation, nowSeconds);
    if (kind === OperationKind.Put) {
      this.push(operation, { seqno, text: textOf(value), expiresAt: storedExpiry(expiresAt) });
      return current === undefined ? WriteStatus.Created : WriteStatus.Replaced;
    }
    if (kind === OperationKind.Expire) return this.expire(operation, seqno, current);
    if (current === undefined) return WriteStatus.NotFound;
    if (kind === OperationKind.Delete) {
      this.push(operation, { seqno, text: undefined, expiresAt: 0 });
      return WriteStatus.Deleted;
    }
    const merged = mergePatch(JSON.parse(current.text ?? 'null'), JSON.parse(textOf(value)));
    const keptExpiry = expiresAt === EXPIRES_UNSET ? current.expiresAt : storedExpiry(expiresAt);
    this.push(operation, { seqno, text: JSON.stringify(merged), expiresAt: keptExpiry });
    return WriteStatus.Replaced;
  }

  private expire(operation: Operation, seqno: number, current: ModelVersion | undefined): WriteStatus {
    const newest = this.newest(operation);
    const isMeant = current === undefined && newest?.text !== undefined;
    if (!isMeant || newest.seqno !== operation.expectedSeqno) return WriteStatus.NotFound;
    this.push(operation, { seqno, text: undefined, expiresAt: 0 });
    return WriteStatus.Deleted;
  }
}

function visibleAt(versions: readonly ModelVersion[], seqno: number): ModelVersion | undefined {
  for (let index = versions.length - 1; index >= 0; index--)
    if (versions[index].seqno <= seqno) return versions[index];
  return undefined;
}

/** Ids of clients are those of a collection. */
function identityOf({ collection }: Operation, id: number): number {
  return id * 4096 + collection;
}

/** RFC 7396, as its pseudo-code has it. */
function mergePatch(target: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const result: { [name: string]: Json } = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patch)) {
    if (value === null) delete result[name];
    else result[name] = mergePatch(result[name], value);
  }
  return result;
}

function isObject(json: Json | undefined): json is { [name: string]: Json } {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
