import test, { type ExecutionContext } from 'ava';
import { hasExpired } from '../../src/base/database-clock.js';
import { DbError } from '../../src/base/errors.js';
import { EXPIRES_NEVER, EXPIRES_UNSET } from '../../src/base/expiry.js';
import type { Prng } from '../../src/base/prng.js';
import { ConditionKind } from '../../src/generated/lumadb/schema/condition-kind.js';
import { Durability } from '../../src/generated/lumadb/schema/durability.js';
import { OperationKind } from '../../src/generated/lumadb/schema/operation-kind.js';
import { WriteStatus } from '../../src/generated/lumadb/schema/write-status.js';
import { expire, type Operation, operationId, patch, put, remove } from '../support/batches.js';
import { type Answer, everyBatchAnsweredOnce, TestEngine } from '../support/engines.js';
import { oneIn, pick, seededPrng } from '../support/random.js';
import { textOf } from '../support/text.js';

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

const COLLECTIONS = [1, 2, 9] as const;
const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);
const FIELDS = ['a', 'b', 'c', 'd', 'e'] as const;

const isObject = (json: Json | undefined): json is { [name: string]: Json } =>
  typeof json === 'object' && json !== null && !Array.isArray(json);

/** RFC 7396, as its pseudo-code has it. */
function referencePatch(target: Json | undefined, patchJson: Json): Json {
  if (!isObject(patchJson)) return patchJson;
  const result: { [name: string]: Json } = isObject(target) ? { ...target } : {};
  for (const [name, value] of Object.entries(patchJson)) {
    if (value === null) delete result[name];
    else result[name] = referencePatch(result[name], value);
  }
  return result;
}

interface Document {
  readonly text: string;
  readonly seqno: number;
  readonly expiresAt: number;
}

interface Remembered {
  readonly fingerprint: number;
  readonly status: WriteStatus;
  readonly seqno: number;
}

/** What a shard does, over a Map. Expired documents stay in it until a write replaces or removes them. */
class Model {
  private readonly documents = new Map<string, Document>();
  private readonly remembered = new Map<number, Remembered>();
  private now = 0;

  apply(operations: readonly Operation[], firstSeqno: number, allOrNothing: boolean, writtenAt: number) {
    this.now = writtenAt;
    const statuses: WriteStatus[] = [];
    const seqnos: number[] = [];
    if (allOrNothing) {
      const objections = operations.map((each) => this.objection(each));
      if (objections.some((objection) => objection !== undefined)) {
        const failed = objections.map((objection) => objection ?? WriteStatus.Aborted);
        return { statuses: failed, seqnos: operations.map((_, i) => firstSeqno + i) };
      }
    }
    for (const [index, operation] of operations.entries()) {
      const seqno = firstSeqno + index;
      const known = this.known(operation);
      const id = operation.operationId;
      if (known !== undefined && id !== undefined) {
        const same = known.fingerprint === id[2];
        statuses.push(same ? known.status : WriteStatus.OperationIdReused);
        seqnos.push(same ? known.seqno : seqno);
        continue;
      }
      const status = this.applyOne(operation, seqno);
      statuses.push(status);
      seqnos.push(seqno);
      if (id !== undefined) this.remembered.set(id[0], { fingerprint: id[2], status, seqno });
    }
    return { statuses, seqnos };
  }

  listing(collection: number) {
    return [...this.documents]
      .filter(([name]) => name.startsWith(`${collection}:`))
      .map(([name, document]) => ({ key: name.slice(name.indexOf(':') + 1), ...document }))
      .sort((a, b) => (a.key < b.key ? -1 : 1));
  }

  stats() {
    return COLLECTIONS.map((collection) => {
      const texts = this.listing(collection).map(({ text }) => text.length);
      return { collection, documents: texts.length, bytes: texts.reduce((sum, length) => sum + length, 0) };
    }).filter(({ documents }) => documents > 0);
  }

  /** Seqno of the newest version, expired or not. */
  seqnoOf(operation: Pick<Operation, 'collection' | 'key'>): number {
    return this.stored(operation)?.seqno ?? 0;
  }

  private stored(operation: Pick<Operation, 'collection' | 'key'>): Document | undefined {
    return this.documents.get(`${operation.collection}:${textOf(operation.key)}`);
  }

  /** Undefined when it has expired. */
  private visible(operation: Operation): Document | undefined {
    const document = this.stored(operation);
    return document === undefined || hasExpired(document.expiresAt, this.now) ? undefined : document;
  }

  remembers(operation: Operation): boolean {
    return this.known(operation)?.fingerprint === operation.operationId?.[2];
  }

  private objection(operation: Operation): WriteStatus | undefined {
    const known = this.known(operation);
    if (known === undefined)
      return this.conditionHolds(operation) ? undefined : WriteStatus.PreconditionFailed;
    return known.fingerprint === operation.operationId?.[2] ? undefined : WriteStatus.OperationIdReused;
  }

  private known(operation: Operation): Remembered | undefined {
    return operation.operationId === undefined ? undefined : this.remembered.get(operation.operationId[0]);
  }

  private conditionHolds(operation: Operation): boolean {
    if (operation.kind === OperationKind.Expire) return true;
    const seqno = this.visible(operation)?.seqno ?? 0;
    if (operation.condition === ConditionKind.IfAbsent) return seqno === 0;
    if (operation.condition === ConditionKind.IfPresent) return seqno !== 0;
    if (operation.condition === ConditionKind.IfMatchSeqno)
      return seqno !== 0 && seqno === operation.expectedSeqno;
    return true;
  }

  private applyOne(operation: Operation, seqno: number): WriteStatus {
    const name = `${operation.collection}:${textOf(operation.key)}`;
    const current = this.visible(operation);
    const expiresAt = operation.expiresAt === EXPIRES_NEVER ? 0 : operation.expiresAt;
    if (!this.conditionHolds(operation)) return WriteStatus.PreconditionFailed;
    if (operation.kind === OperationKind.Put) {
      this.documents.set(name, { text: textOf(operation.value), seqno, expiresAt });
      return current === undefined ? WriteStatus.Created : WriteStatus.Replaced;
    }
    if (operation.kind === OperationKind.Expire) {
      const isMeant = current === undefined && this.stored(operation)?.seqno === operation.expectedSeqno;
      return isMeant && this.documents.delete(name) ? WriteStatus.Deleted : WriteStatus.NotFound;
    }
    if (current === undefined) return WriteStatus.NotFound;
    if (operation.kind === OperationKind.Delete) {
      this.documents.delete(name);
      return WriteStatus.Deleted;
    }
    const merged = referencePatch(JSON.parse(current.text), JSON.parse(textOf(operation.value)));
    this.documents.set(name, {
      text: JSON.stringify(merged),
      seqno,
      expiresAt: operation.expiresAt === EXPIRES_UNSET ? current.expiresAt : expiresAt,
    });
    return WriteStatus.Replaced;
  }
}

function randomObject(prng: Prng, depth: number, withNulls: boolean): { [name: string]: Json } {
  const object: { [name: string]: Json } = {};
  for (let left = prng.nextBelow(4); left > 0; left--) {
    const choice = prng.nextBelow(withNulls ? 6 : 5);
    const value =
      choice === 0
        ? 'text'.repeat(prng.nextBelow(20))
        : choice === 1
          ? prng.nextBelow(1000)
          : choice === 2
            ? [1, null, 'x']
            : choice < 5 && depth > 0
              ? randomObject(prng, depth - 1, withNulls)
              : choice < 5
                ? true
                : null;
    object[pick(prng, FIELDS)] = value;
  }
  return object;
}

/** The database time of a group is its number: every document that expires does so in the course of a run. */
const GROUPS = 700;
const GROUPS_MAX = 10 * GROUPS;
/** Many small memtables, so that rotation in the middle of a group happens all the time. */
const SMALL_MEMTABLES = { slots: 64, arenaBytes: 64 * 1024 };
let nextFingerprint = 1;

/** One operation; sometimes a retry of an earlier one, sometimes a misuse of its id. */
function randomOperation(prng: Prng, model: Model, earlier: Operation[]): Operation {
  if (earlier.length > 0 && oneIn(prng, 10)) {
    const again = pick(prng, earlier);
    if (oneIn(prng, 3) && again.operationId !== undefined) {
      return { ...again, operationId: operationId(again.operationId[0], ++nextFingerprint) };
    }
    return again;
  }
  const collection = pick(prng, COLLECTIONS);
  const key = pick(prng, KEYS);
  const { None, IfAbsent, IfPresent, IfMatchSeqno } = ConditionKind;
  const condition = pick(prng, [None, None, None, IfAbsent, IfPresent, IfMatchSeqno]);
  const target = model.seqnoOf({ collection, key: Buffer.from(key) });
  const expectedSeqno = oneIn(prng, 3) ? prng.nextBelow(100) : target;
  const id = oneIn(prng, 5) ? operationId(prng.nextUint32() | 1, ++nextFingerprint) : undefined;
  const expiresAt = oneIn(prng, 3) ? pick(prng, [EXPIRES_NEVER, prng.nextBelow(2 * GROUPS)]) : EXPIRES_UNSET;
  const extras = { collection, condition, expectedSeqno, operationId: id, expiresAt };
  if (oneIn(prng, 8)) return { ...expire(key, oneIn(prng, 10) ? 1 : target), collection };
  const choice = prng.nextBelow(10);
  const made =
    choice < 5
      ? put(key, JSON.stringify(randomObject(prng, 2, false)), extras)
      : choice < 8
        ? patch(key, JSON.stringify(randomObject(prng, 2, true)), extras)
        : remove(key, extras);
  if (id !== undefined) earlier.push(made);
  return made;
}

interface Expected {
  readonly operations: readonly Operation[];
  readonly allOrNothing: boolean;
  readonly writtenAt: number;
}

/** A shard and its model, side by side. */
class ModelRun {
  readonly model = new Model();
  private readonly earlier: Operation[] = [];
  /** Batches of the current group. */
  private readonly group = new Map<number, Expected>();
  /** Expected answers of batches that were applied and not answered when last looked at. */
  private readonly pending = new Map<number, Pick<Answer, 'statuses' | 'seqnos' | 'firstSeqno'>>();
  private checkedAnswers = 0;
  commitFirst = 0;
  private writtenAt = 0;

  constructor(
    private readonly t: ExecutionContext,
    private readonly prng: Prng,
    readonly made: TestEngine,
  ) {}

  /** Stages a few random batches and commits them. */
  runGroup(): void {
    const { prng, made, model } = this;
    this.writtenAt++;
    const { writtenAt } = this;
    const levels = [Durability.Unspecified, Durability.Always, Durability.Group, Durability.Os];
    for (let left = 1 + prng.nextBelow(4); left > 0; left--) {
      const operations = Array.from({ length: prng.nextBelow(12) }, () =>
        randomOperation(prng, model, this.earlier),
      );
      const options = { allOrNothing: oneIn(prng, 4), durability: pick(prng, levels), writtenAt };
      let staged = made.stage(operations, options);
      if (staged.result === 'commit-first') {
        this.commitFirst++;
        this.commit();
        staged = made.stage(operations, options);
      }
      if (staged.result instanceof DbError) throw staged.result;
      this.group.set(staged.id, { operations, allOrNothing: options.allOrNothing, writtenAt });
    }
    if (oneIn(prng, 3)) made.clock.advance(prng.nextBelow(20));
    this.commit();
  }

  /** Flushes, and checks that nothing is left unanswered. */
  finish(): void {
    this.made.engine.flush();
    this.checkAnswers();
    this.t.is(this.pending.size, 0);
    everyBatchAnsweredOnce(this.t, this.made);
    this.checkState();
  }

  checkState(): void {
    const { t, made, model } = this;
    for (const collection of COLLECTIONS) t.deepEqual(made.documents(collection), model.listing(collection));
    const { stats, visible, applied } = made.visibleState(COLLECTIONS);
    t.deepEqual(stats, model.stats());
    t.is(visible, applied);
  }

  private commit(): void {
    const { made, model } = this;
    let seqno = made.engine.appliedSeqno + 1;
    made.engine.commit();
    for (const [id, { operations, allOrNothing, writtenAt }] of this.group) {
      this.pending.set(id, { ...model.apply(operations, seqno, allOrNothing, writtenAt), firstSeqno: seqno });
      seqno += Math.max(operations.length, 1);
    }
    this.group.clear();
    this.t.is(made.engine.appliedSeqno, seqno - 1);
    this.checkAnswers();
  }

  private checkAnswers(): void {
    const { all } = this.made.answers;
    for (const { batchId, statuses, seqnos, firstSeqno } of all.slice(this.checkedAnswers)) {
      this.t.deepEqual({ statuses, seqnos, firstSeqno }, this.pending.get(batchId), `batch ${batchId}`);
      this.pending.delete(batchId);
    }
    this.checkedAnswers = all.length;
  }
}

/** Answers to a retry of each operation: its status and seqno. */
function retryAll(made: TestEngine, operations: readonly Operation[]): number[][] {
  return operations.map((operation) => {
    const answer = made.write([operation]);
    if (answer === undefined || !('statuses' in answer)) throw new Error(`not answered: ${String(answer)}`);
    return [answer.statuses[0], answer.seqnos[0]];
  });
}

/** All operations whose id is remembered, each once. Those of aborted batches are not. */
function retriesOf({ made, model }: ModelRun): Operation[] {
  return [...new Set(made.operationsWithIds)].filter((operation) => model.remembers(operation));
}

test('random batches do what a map does, and replaying their log gives the same shard', (t) => {
  const prng = seededPrng(t);
  const made = new TestEngine({ ...SMALL_MEMTABLES, seed: prng.nextUint32() });
  const run = new ModelRun(t, prng, made);
  // Whatever the seed: as many groups as it takes to have met everything that this is about.
  const hasMetAll = (): boolean => run.commitFirst > 0 && made.memtables.pool.chainLength > 3;
  for (let group = 0; group < GROUPS || (group < GROUPS_MAX && !hasMetAll()); group++) {
    run.runGroup();
    if (group % 50 === 0) run.checkState();
  }
  run.finish();
  t.true(run.commitFirst > 0, 'some batch met a full memtable in the middle of a group');
  t.true(made.memtables.pool.chainLength > 3, 'memtables were rotated');

  const replayed = new TestEngine({ ...SMALL_MEMTABLES, seed: prng.nextUint32() });
  replayed.replay(made.log);
  t.deepEqual(replayed.visibleState(COLLECTIONS), made.visibleState(COLLECTIONS));

  const retries = retriesOf(run);
  t.true(retries.length > 100);
  const before = made.visibleState(COLLECTIONS).documents;
  const answers = retryAll(made, retries);
  t.deepEqual(made.visibleState(COLLECTIONS).documents, before, 'retries change nothing');
  t.deepEqual(retryAll(replayed, retries), answers);
});
