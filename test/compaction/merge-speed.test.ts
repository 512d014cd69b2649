import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { systemClock } from '../../src/base/clock.js';
import { createPrng } from '../../src/base/prng.js';
import { Compaction } from '../../src/compaction/compaction-job.js';
import { runFlush } from '../../src/compaction/flush-job.js';
import { chooseLevelZero } from '../../src/compaction/level-zero.js';
import { planJob } from '../../src/compaction/plan-job.js';
import { Version } from '../../src/manifest/version.js';
import type { MemtableWriter } from '../../src/memtable/writer.js';
import { tableName, temporaryTableName } from '../../src/sst/table-names.js';
import { RealVfs } from '../../src/vfs/real.js';
import { putText, singleMemtable } from '../support/memtables.js';
import { PICKER_OPTIONS, pickerState } from '../support/versions.js';

const RUNS = 4;
const DOCUMENTS_PER_RUN = 60_000;
const CITIES = ['Berlin', 'Lisbon', 'Osaka', 'Quito', 'Toronto'];
const TABLES = {
  tableSizeBytes: 16 * 1024 * 1024,
  blockSizeBytes: 4096,
  bloomBitsPerKey: 10,
  upperCodec: 'lz4',
  lastCodec: 'zstd',
  grandparentOverlapBytesMax: Number.POSITIVE_INFINITY,
} as const;
const RETENTION = { snapshots: [], nowSeconds: 1, droppedCollections: [] };

/** Documents of some 145 bytes, key included, under random keys. */
function filledMemtable(run: number): MemtableWriter {
  const prng = createPrng(run);
  const memtable = singleMemtable(DOCUMENTS_PER_RUN * 300);
  for (let i = 0; i < DOCUMENTS_PER_RUN; i++) {
    const id = prng.nextBelow(4_000_000);
    const key = `user-${String(id).padStart(8, '0')}`;
    const email = `${prng.nextUint32().toString(36)}@example.com`;
    const rest = `"age":${id % 90},"email":"${email}","score":${prng.nextUint32()},"city":"${CITIES[id % 5]}"`;
    putText(memtable, key, run * DOCUMENTS_PER_RUN + i + 1, `{"_id":"${key}","name":"Ada Lovelace",${rest}}`);
  }
  return memtable;
}

test('four runs of 60,000 documents are merged in seconds of CPU time', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'luma-merge-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const vfs = new RealVfs();
  let version = Version.empty();
  for (let run = 1; run <= RUNS; run++) {
    const memtable = filledMemtable(run).reader.buffer;
    const fileNumbers = { first: run * 10, count: 10 };
    const { tables } = runFlush(
      { kind: 'flush', memtable, directory, fileNumbers, run, options: TABLES, ...RETENTION },
      { vfs, clock: systemClock },
    );
    for (const { fileNumber } of tables) {
      vfs.rename(join(directory, temporaryTableName(fileNumber)), join(directory, tableName(fileNumber)));
    }
    version = version.apply({ addedTables: tables, removedTables: [] });
  }
  const options = { ...PICKER_OPTIONS, maxJobBytes: Number.POSITIVE_INFINITY };
  const choice = chooseLevelZero(pickerState(version, { options }), 'manual', () => true);
  if (choice === undefined) return t.fail('four overlapping runs make a choice');
  // The first pass also pays for compiling the code; only those after it can be compared with each other.
  for (const [pass, codec] of (['lz4', 'lz4', 'zstd', 'lz4', 'zstd'] as const).entries()) {
    const fileNumbers = { first: 100 * (pass + 1), count: 50 };
    const context = { shard: 0, directory, fileNumbers, options: TABLES, ...RETENTION };
    const job = { ...planJob(version, choice, context), isLastLevel: codec === 'zstd' };
    const compaction = new Compaction(job, { vfs, clock: systemClock });
    const before = process.cpuUsage();
    while (!compaction.step(10));
    const { user, system } = process.cpuUsage(before);
    const { entriesRead, durationMs, bytesRead, bytesWritten } = compaction.result();
    const cpuMs = (user + system) / 1000;
    t.log(
      `pass ${pass}, ${codec}: ${entriesRead} entries, ${Math.round(entriesRead / durationMs)} k/s by the clock,`,
      `${Math.round(entriesRead / cpuMs)} k/s of CPU time, ${bytesRead} bytes in, ${bytesWritten} out`,
    );
    t.true(cpuMs < 10_000, `${cpuMs} ms of CPU time`);
  }
  return undefined;
});
