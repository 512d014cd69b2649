import test from 'ava';
import { asShardId } from '../../src/base/brand.js';
import { DbError } from '../../src/base/errors.js';
import { ByteWriter } from '../../src/manifest/byte-writer.js';
import { encodeHeader, encodeRecord, MANIFEST_HEADER_BYTES } from '../../src/manifest/manifest-format.js';
import { encodeCurrent, manifestName, tableFileName } from '../../src/manifest/manifest-names.js';
import { readManifest } from '../../src/manifest/manifest-reader.js';
import { openManifest } from '../../src/manifest/open-manifest.js';
import type { VersionEdit } from '../../src/manifest/version-edit.js';
import { encodeVersionEdit } from '../../src/manifest/version-edit-encoder.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import {
  contentsOf,
  DIRECTORY,
  doctored,
  edit,
  install,
  look,
  open,
  pathOf,
  SHARD,
  table,
} from './support.js';

const MANIFEST = manifestName(1);

interface History {
  readonly vfs: MemoryVfs;
  /** What the manifest says after its snapshot and after each edit. */
  readonly states: readonly string[];
  /** Offset at which each record ends. */
  readonly ends: readonly number[];
}

/** Four edits: two tables, a third, one of them removed, figures. */
function smallHistory(): History {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  const states = [contentsOf(opened.writer)];
  const ends = [opened.writer.sizeBytes];
  for (const change of [
    edit({ addedTables: [table(1, 'a', 'c'), table(2, 'd', 'f')], flushedSeqno: 10, nextRun: 2 }),
    edit({ addedTables: [table(3, 'g', 'i', { level: 2 })] }),
    edit({ removedTables: [1], collectionStats: [{ collection: 1, documents: 2, bytes: 3 }] }),
    edit({ nextRun: 7, operationIds: [{ identity: 1, fingerprint: 2, status: 1, seqno: 3 }] }),
  ]) {
    install(opened, vfs, change);
    states.push(contentsOf(opened.writer));
    ends.push(opened.writer.sizeBytes);
  }
  opened.writer.close();
  return { vfs, states, ends };
}

/** What a changed manifest says: its contents, or the error of opening it. */
function outcome(vfs: MemoryVfs): string | DbError {
  try {
    return contentsOf(look(vfs));
  } catch (error) {
    if (error instanceof DbError && error.code === 'CORRUPT_MANIFEST') return error;
    throw error;
  }
}

const withoutNextNumber = (contents: string): string => contents.replace(/"nextFileNumber":\d+/, '');

function changed({ vfs, ends }: History, change: (bytes: Uint8Array) => Uint8Array | undefined): MemoryVfs {
  const target = new MemoryVfs();
  // Without most of the zeros at the end: there are thousands of these files.
  doctored(vfs, target, MANIFEST, (bytes) => {
    const short = bytes.slice(0, (ends.at(-1) ?? 0) + 128);
    return change(short) ?? short;
  });
  return target;
}

test('no changed byte of a sealed manifest loses an edit: it is harmless or loud', (t) => {
  const history = smallHistory();
  const last = history.states.at(-1) ?? 'no state';
  const used = (history.ends.at(-1) ?? 0) + 24;
  let loud = 0;
  for (let at = 0; at < used + 16; at++) {
    for (const flip of [0x01, 0xff]) {
      const result = outcome(
        changed(history, (bytes) => {
          bytes[at] = (bytes[at] ?? 0) ^ flip;
          return undefined;
        }),
      );
      if (result instanceof DbError) {
        loud++;
        t.like(result.details, { file: pathOf(MANIFEST) });
        t.true(result.details?.['offset'] !== undefined && result.details?.['expected'] !== undefined);
        t.true(result.details?.['got'] !== undefined);
        t.regex(result.message, /offset \d+.*lumadb repair/);
      } else if (result !== last) return t.fail(`byte ${at} ^ ${flip} changed what the manifest says`);
    }
  }
  t.true(loud > 1.5 * used, `${loud} of ${2 * used}`);
});

test('without its seal only the last record can be lost to a changed byte, and that is reported', (t) => {
  const history = smallHistory();
  const [end = 0, lastStart = 0] = [history.ends.at(-1), history.ends.at(-2)];
  for (let at = 0; at < end; at++) {
    const vfs = changed(history, (bytes) => {
      bytes.fill(0, end);
      bytes[at] = (bytes[at] ?? 0) ^ 0xff;
      return undefined;
    });
    const result = outcome(vfs);
    if (result instanceof DbError || result === history.states.at(-1)) continue;
    t.true(at >= lastStart, `byte ${at}`);
    t.is(result, history.states.at(-2) ?? 'no state');
    t.true(look(vfs).report.tornTailBytes > 0);
  }
});

test('a manifest that ends anywhere is loud within its snapshot, and has whole edits only behind it', (t) => {
  const history = smallHistory();
  const [snapshotEnd = 0] = history.ends;
  const end = history.ends.at(-1) ?? 0;
  for (let length = 0; length <= end + 24; length++) {
    const vfs = changed(history, (bytes) => bytes.slice(0, length));
    const result = outcome(vfs);
    const whole = history.ends.filter((each) => each <= length).length;
    // A record is whole without its padding, which may be up to 7 bytes.
    const almost = (history.ends[whole] ?? 0) - length < 8 ? whole + 1 : whole;
    const candidates = history.states.slice(Math.max(0, whole - 1), almost);
    if (result instanceof DbError) {
      t.true(length < snapshotEnd, `${length} bytes`);
      continue;
    }
    t.true(candidates.includes(result), `${length} bytes`);
    const opened = open(vfs);
    // The numbers of tables that no edit names any more are passed over.
    t.is(
      withoutNextNumber(contentsOf(opened)),
      withoutNextNumber(result),
      `${length} bytes, opened to write`,
    );
    opened.writer.append(edit({ nextRun: 50 }));
    t.is(look(vfs).state.nextRun, 50, `${length} bytes, goes on`);
  }
});

test('a torn tail is dropped and reported, kept in quarantine, and never appended to', (t) => {
  const history = smallHistory();
  const lastStart = history.ends.at(-2) ?? 0;
  const vfs = changed(history, (bytes) => bytes.slice(0, lastStart + 41));
  const opened = open(vfs);
  t.is(contentsOf(opened), history.states.at(-2) ?? 'no state');
  // Zeros at the end of the file may be unused space as well.
  t.true(opened.report.tornTailBytes > 32 && opened.report.tornTailBytes <= 41);
  t.true(opened.report.rewritten);
  t.is(opened.writer.manifestNumber, 2);
  t.false(vfs.exists(pathOf(MANIFEST)));
  t.deepEqual(
    opened.report.strays.filter(({ name }) => name === MANIFEST),
    [
      {
        name: MANIFEST,
        kind: 'other manifest',
        action: 'quarantined',
        path: `/db/shard-0000/quarantine/${MANIFEST}`,
      },
    ],
  );
});

test('a bad record with good ones behind it says how many edits are out of reach', (t) => {
  const history = smallHistory();
  const [snapshotEnd = 0, firstEnd = 0] = history.ends;
  const vfs = changed(history, (bytes) => {
    bytes[snapshotEnd + 50] = (bytes[snapshotEnd + 50] ?? 0) ^ 1;
    return undefined;
  });
  const error = t.throws(() => open(vfs), { instanceOf: DbError });
  t.is(error?.code, 'CORRUPT_MANIFEST');
  t.is(error?.details?.['offset'], snapshotEnd);
  t.regex(
    error?.message ?? '',
    new RegExp(`bytes ${snapshotEnd} to ${firstEnd} were synced once, 3 good records`),
  );
  t.not(error?.details?.['expected'], error?.details?.['got']);
});

test('a removed record in the middle is noticed: the next one says where it belongs', (t) => {
  const history = smallHistory();
  const [, from = 0, to = 0] = history.ends;
  const vfs = changed(history, (bytes) => Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]));
  const result = outcome(vfs);
  t.true(result instanceof DbError || result === history.states[1], 'the records behind are no records here');
  t.true(look(vfs).report.tornTailBytes > 0);
});

test('records that are whole but make no version are loud, with the place', (t) => {
  const encodedAs = (...edits: VersionEdit[]): Uint8Array => {
    const parts: Uint8Array[] = [encodeHeader(SHARD, 1)];
    let offset = MANIFEST_HEADER_BYTES;
    edits.forEach((change, index) => {
      const payload = new ByteWriter();
      encodeVersionEdit(change, payload);
      const record = encodeRecord({ manifest: 1, offset }, index + 1, payload.written());
      parts.push(record);
      offset += record.length;
    });
    return Buffer.concat(parts);
  };
  const first = edit({ addedTables: [table(1, 'a', 'c')], flushedSeqno: 10 });
  const wrong: Array<[VersionEdit, RegExp]> = [
    [edit({ removedTables: [2] }), /removes table 2, which is not there/],
    [edit({ addedTables: [table(1, 'x', 'z')] }), /adds table 1, which is there already/],
    [edit({ addedTables: [table(2, 'b', 'd')] }), /tables 1 and 2 of one run overlap/],
    [edit({ addedTables: [table(2, 'x', 'z', { level: 9 })] }), /table 2 has level 9/],
    [edit({ flushedSeqno: 9 }), /moves the flushed seqno back from 10 to 9/],
  ];
  for (const [second, message] of wrong) {
    const source = { bytes: encodedAs(first, second), file: MANIFEST, shard: SHARD, number: 1 };
    const error = t.throws(() => readManifest(source), { instanceOf: DbError, message });
    t.is(error?.code, 'CORRUPT_MANIFEST');
    t.true(Number(error?.details?.['offset']) >= MANIFEST_HEADER_BYTES + 32);
  }
  const good = {
    bytes: encodedAs(first, edit({ removedTables: [1] })),
    file: MANIFEST,
    shard: SHARD,
    number: 1,
  };
  t.is(readManifest(good).contents.version.tableCount, 0);
});

test('the manifest of another shard or under another name is refused', (t) => {
  const history = smallHistory();
  const renamed = new MemoryVfs();
  doctored(history.vfs, renamed, 'none', () => undefined);
  renamed.rename(pathOf(MANIFEST), pathOf(manifestName(2)));
  renamed.writeFileAtomic(pathOf('CURRENT'), encodeCurrent(2));
  t.throws(() => open(renamed), { instanceOf: DbError, message: /it has another number/ });
  const { vfs } = history;
  const shard = asShardId(SHARD + 1);
  t.throws(() => openManifest({ vfs, directory: DIRECTORY, shard, mode: 'read-only' }), {
    instanceOf: DbError,
    message: /belongs to another shard/,
  });
});

test('CURRENT that is missing, damaged, or names nothing is loud and says what to do', (t) => {
  const history = smallHistory();
  const cases: Array<[Uint8Array | undefined, RegExp]> = [
    [undefined, /CURRENT: it is missing, but 1 manifests and 3 tables are there; 'lumadb repair'/],
    [new Uint8Array(0), /does not name a manifest/],
    [encodeCurrent(1).slice(0, 20), /does not name a manifest/],
    [encodeCurrent(9), /MANIFEST-0000000009: CURRENT names this manifest, but it is missing/],
  ];
  for (const [bytes, message] of cases) {
    const vfs = new MemoryVfs();
    doctored(history.vfs, vfs, 'none', () => undefined);
    if (bytes === undefined) vfs.unlink(pathOf('CURRENT'));
    else vfs.writeFileAtomic(pathOf('CURRENT'), bytes);
    const before = vfs.list(DIRECTORY);
    const error = t.throws(() => open(vfs), { instanceOf: DbError, message });
    t.is(error?.code, 'CORRUPT_MANIFEST');
    t.deepEqual(vfs.list(DIRECTORY), before, 'nothing was moved');
  }
});

test('manifests without CURRENT are loud when they say anything, also without a table', (t) => {
  const vfs = new MemoryVfs();
  const opened = open(vfs);
  opened.writer.append(edit({ flushedSeqno: 5 }));
  vfs.unlink(pathOf('CURRENT'));
  t.throws(() => open(vfs), {
    instanceOf: DbError,
    message: /CURRENT: it is missing, but 1 manifests and 0 tables/,
  });
});

test('a crash while a shard was set up leaves a manifest without CURRENT that says nothing: it starts anew', (t) => {
  const vfs = new MemoryVfs();
  open(vfs).writer.close();
  vfs.unlink(pathOf('CURRENT'));
  const { report } = open(vfs);
  t.true(report.isNew);
  t.is(report.manifestNumber, 2);
  t.like(report.strays[0], { name: MANIFEST, action: 'quarantined' });
});

test('tables without CURRENT and manifest are loud, never an empty shard', (t) => {
  const vfs = new MemoryVfs();
  vfs.makeDirectory(DIRECTORY);
  vfs.writeFileAtomic(pathOf(tableFileName(4)), Uint8Array.of(1));
  const error = t.throws(() => open(vfs), { instanceOf: DbError });
  t.is(error?.code, 'CORRUPT_MANIFEST');
  t.true(vfs.exists(pathOf(tableFileName(4))));
});

test('a table that the manifest names and that is missing or has another size is loud', (t) => {
  const missing = smallHistory().vfs;
  missing.unlink(pathOf(tableFileName(2)));
  const lost = t.throws(() => open(missing), { instanceOf: DbError });
  t.is(lost?.code, 'CORRUPT_MANIFEST');
  t.like(lost?.details, { file: pathOf(tableFileName(2)), expected: 102, got: 'no such file' });

  const short = smallHistory().vfs;
  short.writeFileAtomic(pathOf(tableFileName(3)), new Uint8Array(50));
  const cut = t.throws(() => open(short), { instanceOf: DbError });
  t.is(cut?.code, 'CORRUPT_TABLE');
  t.like(cut?.details, { file: pathOf(tableFileName(3)), offset: 50, expected: 103, got: 50 });
});
