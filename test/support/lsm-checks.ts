/** Compares a shard with its model: point reads, scans, statistics, what a crash left. Throws at the first difference. */
import { fromWireError } from '../../src/base/errors.js';
import { hashKey } from '../../src/base/hash.js';
import { FAILED } from '../../src/engine/shard-reader.js';
import { DELETED, FOUND } from '../../src/memtable/chain-reader.js';
import { rangeAfter, type ScanBudget, type ScanRange } from '../../src/router/document-reader.js';
import { ByteProgress } from '../../src/tools/byte-progress.js';
import { checkShard } from '../../src/tools/fsck-shard.js';
import { shardPlace } from '../../src/tools/shard-place.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import type { ModelDocument } from './lsm-model.js';
import { DATA_DIRECTORY, type LsmRig } from './lsm-rig.js';
import { textOf, utf8 } from './text.js';

const UNLIMITED: ScanBudget = { keys: Number.MAX_SAFE_INTEGER, bytes: Number.MAX_SAFE_INTEGER };
export const EVERYTHING: ScanRange = { backward: false };

export class Mismatch extends Error {}

/** Counts of documents are wrong, whatever reads give. */
export class FiguresMismatch extends Mismatch {}

function shorten(text: string | undefined): string {
  return text === undefined ? 'nothing' : text.length > 100 ? `${text.slice(0, 100)}…(${text.length})` : text;
}

/** A point read gives the newest version that was applied. Throws the DbError of a read that fails. */
/** `snapshot`: as that one sees it; the newest version otherwise. */
export function checkGet(
  { reader, world, appliedSeqno }: LsmRig,
  collection: number,
  key: string,
  snapshot?: number,
): void {
  const now = world.databaseClock.nowSeconds();
  const expected = world.model.document(collection, key, snapshot ?? appliedSeqno, now);
  const bytes = utf8(key);
  const hash = hashKey(collection, bytes, 0, bytes.length);
  reader.enter();
  try {
    const lookup =
      snapshot === undefined
        ? reader.get(hash, collection, bytes, 0, bytes.length)
        : reader.getAt(hash, collection, bytes, 0, bytes.length, snapshot, now);
    if (lookup === FAILED)
      throw reader.error === undefined ? new Mismatch('why?') : fromWireError(reader.error);
    const text = lookup === FOUND ? textOf(reader.bytes, reader.valueOffset, reader.valueLength) : undefined;
    const isSame =
      text === expected?.text &&
      (text === undefined || (reader.seqno === expected?.seqno && reader.expiresAt === expected.expiresAt));
    if (isSame) return;
    const got =
      text === undefined
        ? lookup === DELETED
          ? 'deleted'
          : 'absent'
        : `${shorten(text)} at ${reader.seqno}`;
    throw new Mismatch(
      `get of ${collection}/${key}${snapshot === undefined ? '' : ` at ${snapshot}`}: ${got}, expected ${shorten(expected?.text)} at ${expected?.seqno}`,
    );
  } finally {
    reader.leave();
  }
}

/** Runs a scan in slices and gives every document to `visit`, which returns false to end it. */
function scanInSlices(
  { scanner }: LsmRig,
  collection: number,
  range: ScanRange,
  seqno: number,
  budget: ScanBudget,
  visit: (key: string, text: string, seqno: number) => boolean,
): void {
  let rest: ScanRange | undefined = range;
  let isWanted = true;
  while (rest !== undefined && isWanted) {
    const slice = { seqno, budget, fillCache: budget.keys % 2 === 0 };
    const stopped = scanner.scan(collection, rest, slice, (document) => {
      const text = textOf(document.bytes, document.offset, document.length);
      isWanted = visit(textOf(document.key()), text, document.seqno);
      return isWanted;
    });
    rest = stopped === undefined ? undefined : rangeAfter(rest, stopped);
  }
}

function isIn({ from, to }: ScanRange, key: string): boolean {
  const bytes = utf8(key);
  if (from !== undefined) {
    const order = Buffer.compare(bytes, from.key);
    if (order < 0 || (order === 0 && !from.inclusive)) return false;
  }
  if (to === undefined) return true;
  const order = Buffer.compare(bytes, to.key);
  return order < 0 || (order === 0 && to.inclusive);
}

/** A scan at `seqno` gives what the model had then, in order, up to `limit` documents. */
export function checkScan(
  rig: LsmRig,
  collection: number,
  seqno: number,
  range = EVERYTHING,
  budget = UNLIMITED,
  limit = Number.MAX_SAFE_INTEGER,
): void {
  const { world } = rig;
  const all = world.model.documents(collection, seqno, world.databaseClock.nowSeconds());
  const expected = all.filter(({ key }) => isIn(range, key));
  if (range.backward) expected.reverse();
  expected.length = Math.min(expected.length, limit);
  let count = 0;
  const where = (): string =>
    `${range.backward ? 'backward ' : ''}scan of ${collection} at ${seqno}, document ${count}`;
  scanInSlices(rig, collection, range, seqno, budget, (key, text, at) => {
    const wanted: ModelDocument | undefined = expected[count];
    if (wanted?.key !== key || wanted.seqno !== at || wanted.text !== text)
      throw new Mismatch(
        `${where()}: ${key}@${at} ${shorten(text)}, expected ${wanted?.key}@${wanted?.seqno} ${shorten(wanted?.text)}`,
      );
    return ++count < limit;
  });
  if (count < expected.length) throw new Mismatch(`${where()}: the end, expected ${expected[count].key}`);
}

/** Statistics are exact between groups. */
export function checkFigures({ shard, world, appliedSeqno }: LsmRig, collections: readonly number[]): void {
  const figures = new Map(shard.engine.stats.snapshot().map((figure) => [figure.collection, figure]));
  for (const collection of collections) {
    const { documents = 0, bytes = 0 } = figures.get(collection) ?? {};
    const expected = world.model.figures(collection, appliedSeqno);
    if (documents === expected.documents && bytes === expected.bytes) continue;
    throw new FiguresMismatch(
      `statistics of ${collection}: ${documents} documents of ${bytes} bytes, ` +
        `expected ${expected.documents} of ${expected.bytes}`,
    );
  }
}

/** Everything that can be asked at the newest seqno. */
export function checkState(rig: LsmRig, collections: readonly number[]): void {
  for (const collection of collections) checkScan(rig, collection, rig.appliedSeqno);
  checkFigures(rig, collections);
}

/** What `lumadb fsck` says about the files of a shard that nobody has open. */
export function checkFiles(vfs: Vfs, collections: readonly number[]): void {
  const { findings } = checkShard({
    place: shardPlace(vfs, DATA_DIRECTORY, 0),
    shards: 1,
    collections: {
      names: new Map(collections.map((id) => [id, `c${id}`])),
      nextId: Math.max(...collections) + 1,
    },
    isLive: false,
    nowSeconds: Number.POSITIVE_INFINITY,
    progress: new ByteProgress(1),
  });
  const wrong = findings.all.filter(
    ({ severity, reason }) => severity === 'error' || reason.includes('before it expired'),
  );
  if (wrong.length > 0) throw new Mismatch(`fsck: ${wrong[0].file}: ${wrong[0].reason}`);
}

/**
 * After a recovery: a prefix of all batches is there, none of them half, with at least those up to `certainSeqno`. From
 * here on the model knows that what is gone never was.
 */
export function settleRecovery(rig: LsmRig, certainSeqno: number): void {
  const { world, appliedSeqno } = rig;
  if (appliedSeqno < certainSeqno)
    throw new Mismatch(`recovered up to ${appliedSeqno}, but ${certainSeqno} was acknowledged`);
  if (!world.model.isBoundary(appliedSeqno))
    throw new Mismatch(`recovered up to ${appliedSeqno}, in the middle of a batch`);
  world.model.undoAfter(appliedSeqno);
  // What recovery has delivered it has also made durable: nothing may be built on what a power cut takes back.
  world.writtenSeqno = appliedSeqno;
  world.durableSeqno = appliedSeqno;
}
