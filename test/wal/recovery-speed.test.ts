import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { asEpoch, asMillis, asSeqno } from '../../src/base/brand.js';
import { systemClock } from '../../src/base/clock.js';
import { RealVfs } from '../../src/vfs/real.js';
import { SEGMENT_BYTES_DEFAULT } from '../../src/wal/format.js';
import { recoverWal } from '../../src/wal/recovery.js';
import { SegmentPool } from '../../src/wal/segments.js';
import { WalWriter } from '../../src/wal/writer.js';
import { cpuMs } from '../support/time.js';
import { SHARD } from './support.js';

test('64 MiB of records are recovered in seconds, with progress', (t) => {
  const temporary = mkdtempSync(join(tmpdir(), 'luma-wal-'));
  t.teardown(() => rmSync(temporary, { recursive: true, force: true }));
  const vfs = new RealVfs();
  const directory = join(temporary, 'wal');
  const pool = new SegmentPool({ vfs, directory, segmentBytes: SEGMENT_BYTES_DEFAULT, sparesMax: 1 });
  pool.prepareDirectory();
  const nothing = recoverWal({ vfs, directory, shard: SHARD, onDamage: 'stop', onRecord: () => t.fail() });
  const { continuation } = nothing;
  const writer = new WalWriter({
    vfs,
    pool,
    clock: systemClock,
    shard: SHARD,
    epoch: asEpoch(1),
    continuation,
  });
  const payload = new Uint8Array(500).fill(7);
  const count = Math.floor((SEGMENT_BYTES_DEFAULT - 4096) / 560);
  for (let seqno = 1; seqno <= count; seqno++) {
    writer.append(payload, { firstSeqno: asSeqno(seqno), operationCount: 1, wallClockMs: asMillis(1) });
    if (seqno % 1000 === 0) writer.write();
  }
  writer.close();
  let records = 0;
  let steps = 0;
  let finished = 0;
  const before = cpuMs();
  const report = recoverWal({
    vfs,
    directory,
    shard: SHARD,
    onDamage: 'stop',
    onRecord: () => {
      records++;
    },
    onProgress: (bytesDone, bytesTotal) => {
      steps++;
      finished = bytesDone / bytesTotal;
    },
  });
  const costMs = cpuMs() - before;
  t.is(records, count);
  t.is(report.records, count);
  t.true(steps >= 60 && steps <= 70, `${steps} progress calls`);
  t.is(finished, 1);
  t.log(`${count} records, 64 MiB in ${costMs.toFixed(0)} ms of CPU time`);
  t.true(costMs < 10_000, `${costMs} ms of CPU time`);
});
