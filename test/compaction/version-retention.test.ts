import test from 'ava';
import { hasExpired } from '../../src/base/database-clock.js';
import {
  NOTHING_NEWER,
  RETAIN,
  RETAIN_HUSK,
  RETAIN_NOT,
  RetentionRules,
} from '../../src/compaction/version-retention.js';
import { ENTRY_DOCUMENT, ENTRY_EXPIRED, ENTRY_TOMBSTONE } from '../../src/iter/entry-cursor.js';

interface Version {
  readonly seqno: number;
  readonly kind: number;
  readonly expiresAt: number;
}

const NOW = 100;
const LATEST = Number.MAX_SAFE_INTEGER;

const document = (seqno: number): Version => ({ seqno, kind: ENTRY_DOCUMENT, expiresAt: 0 });
const expired = (seqno: number): Version => ({ seqno, kind: ENTRY_DOCUMENT, expiresAt: NOW });
const lasting = (seqno: number): Version => ({ seqno, kind: ENTRY_DOCUMENT, expiresAt: NOW + 1 });
const tombstone = (seqno: number): Version => ({ seqno, kind: ENTRY_TOMBSTONE, expiresAt: 0 });
const husk = (seqno: number): Version => ({ seqno, kind: ENTRY_EXPIRED, expiresAt: NOW - 1 });
const MAKERS = [document, expired, lasting, tombstone, husk];

/** What is left of one key's versions, given newest first. */
function kept(versions: readonly Version[], snapshots: readonly number[], isBaseLevel: boolean): Version[] {
  const rules = new RetentionRules(snapshots, NOW, []);
  const result: Version[] = [];
  versions.forEach((version, index) => {
    const newer = index === 0 ? NOTHING_NEWER : versions[index - 1].seqno;
    const fate = rules.retain(version.seqno, newer, version.kind, version.expiresAt, isBaseLevel);
    if (fate === RETAIN) result.push(version);
    if (fate === RETAIN_HUSK) result.push({ ...version, kind: ENTRY_EXPIRED });
  });
  return result;
}

/** The seqno of the document that a reader sees, or 0. `below`: what deeper levels hold, if anything. */
function seen(versions: readonly Version[], below: Version | undefined, snapshot: number): number {
  const all = below === undefined ? versions : [...versions, below];
  const version = all.find(({ seqno }) => seqno <= snapshot);
  const isThere = version?.kind === ENTRY_DOCUMENT && !hasExpired(version.expiresAt, NOW);
  return isThere ? version.seqno : 0;
}

/** Every history of up to `length` versions, newest first, seqnos 10, 20, 30, ... */
function histories(length: number): Version[][] {
  let all: Version[][] = [[]];
  const result: Version[][] = [];
  for (let size = 1; size <= length; size++) {
    all = all.flatMap((older) => MAKERS.map((make) => [make(size * 10), ...older]));
    result.push(...all);
  }
  return result;
}

/** Every set of snapshots at and right below the seqnos of a history of four, and above all: where rules change. */
function snapshotSets(): number[][] {
  const places = [9, 10, 19, 20, 29, 30, 39, 40, 41];
  return Array.from({ length: 2 ** places.length }, (_, bits) => places.filter((_, i) => (bits >> i) & 1));
}

/** Sets for longer histories: none, one, two; all of them would take minutes and say nothing new. */
const SMALL_SETS = snapshotSets().filter((set) => set.length <= 2);

test('no reader sees a difference: every history of up to three versions, every set of snapshots', (t) => {
  let checked = 0;
  for (const history of histories(3)) {
    for (const snapshots of snapshotSets()) {
      for (const below of [undefined, document(1), expired(1), tombstone(1)]) {
        const left = kept(history, snapshots, below === undefined);
        for (const reader of [...snapshots.filter((s) => s >= 1), LATEST]) {
          const before = seen(history, below, reader);
          const after = seen(left, below, reader);
          if (before !== after) t.fail(JSON.stringify({ history, snapshots, below, reader, left }));
          checked++;
        }
      }
    }
  }
  t.true(checked > 100_000);
});

test('no reader sees a difference: every history of four versions, up to two snapshots', (t) => {
  for (const history of histories(4).filter(({ length }) => length === 4)) {
    for (const snapshots of SMALL_SETS) {
      for (const below of [undefined, document(1)]) {
        const left = kept(history, snapshots, below === undefined);
        const isSame = [...snapshots, LATEST].every(
          (reader) => seen(history, below, reader) === seen(left, below, reader),
        );
        if (!isSame) t.fail(JSON.stringify({ history, snapshots, below, left }));
      }
    }
  }
  t.pass();
});

test('nothing is kept that nobody needs: each version but the newest is what a snapshot reads', (t) => {
  for (const history of histories(3)) {
    for (const snapshots of snapshotSets()) {
      for (const version of kept(history, snapshots, true).filter(
        ({ seqno }) => seqno !== history[0].seqno,
      )) {
        const isRead = snapshots.some(
          (snapshot) => history.find(({ seqno }) => seqno <= snapshot)?.seqno === version.seqno,
        );
        if (!isRead) t.fail(JSON.stringify({ history, snapshots, version }));
      }
    }
  }
  t.pass();
});

test('a second pass over what was kept changes nothing', (t) => {
  for (const history of histories(3)) {
    for (const snapshots of SMALL_SETS) {
      for (const isBaseLevel of [true, false]) {
        const once = kept(history, snapshots, isBaseLevel);
        const twice = kept(once, snapshots, isBaseLevel);
        if (JSON.stringify(once) !== JSON.stringify(twice)) t.fail(JSON.stringify({ history, snapshots }));
      }
    }
  }
  t.pass();
});

test('no text of an expired document is kept, whatever the snapshots', (t) => {
  for (const history of histories(3)) {
    for (const snapshots of SMALL_SETS) {
      const texts = kept(history, snapshots, false).filter(({ kind }) => kind === ENTRY_DOCUMENT);
      if (texts.some(({ expiresAt }) => hasExpired(expiresAt, NOW)))
        t.fail(JSON.stringify({ history, snapshots }));
    }
  }
  t.pass();
});

test('without snapshots one version is left of a key, and none of a deleted key on the base level', (t) => {
  t.deepEqual(kept([document(20), document(10)], [], true), [document(20)]);
  t.deepEqual(kept([tombstone(20), document(10)], [], true), []);
  t.deepEqual(kept([tombstone(20), document(10)], [], false), [tombstone(20)]);
});

test('a tombstone stays while a snapshot reads what is below it, and goes with it', (t) => {
  t.deepEqual(kept([tombstone(20), document(10)], [15], true), [tombstone(20), document(10)]);
  t.deepEqual(kept([tombstone(20), document(10)], [20], true), []);
});

test('the husk of the newest version waits for the deletion of the sweeper, also on the base level', (t) => {
  t.deepEqual(kept([expired(10)], [], true), [{ ...expired(10), kind: ENTRY_EXPIRED }]);
  t.deepEqual(kept([tombstone(20), husk(10)], [], true), []);
});

test('a document that expires in the next second is kept', (t) => {
  t.deepEqual(kept([lasting(10)], [], true), [lasting(10)]);
});

test('dropped collections are known by their number, and only documents in time do not ask for the level', (t) => {
  const rules = new RetentionRules([], NOW, [7, 9]);
  t.deepEqual(
    [6, 7, 8, 9].map((collection) => rules.isDropped(collection)),
    [false, true, false, true],
  );
  t.false(rules.dependsOnLevel(ENTRY_DOCUMENT, 0));
  t.false(rules.dependsOnLevel(ENTRY_DOCUMENT, NOW + 1));
  t.true(rules.dependsOnLevel(ENTRY_DOCUMENT, NOW));
  t.true(rules.dependsOnLevel(ENTRY_TOMBSTONE, 0));
});

test('versions that are not in order are a bug and stop the job', (t) => {
  const rules = new RetentionRules([], NOW, []);
  t.throws(() => rules.retain(10, 10, ENTRY_DOCUMENT, 0, false), { message: /not older/ });
  t.is(rules.retain(9, 10, ENTRY_DOCUMENT, 0, false), RETAIN_NOT);
});
