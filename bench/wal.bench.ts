/** WAL append costs: the copy and checksum alone, and whole groups on a memory file system and on real files. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asEpoch, asMillis, asSeqno, asShardId } from '../src/base/brand.js';
import { systemClock } from '../src/base/clock.js';
import { MemoryVfs } from '../src/vfs/memory.js';
import { RealVfs } from '../src/vfs/real.js';
import type { Vfs } from '../src/vfs/vfs.js';
import { recoverWal } from '../src/wal/recovery.js';
import { SegmentPool } from '../src/wal/segments.js';
import { WalWriter } from '../src/wal/writer.js';

export interface WalBenchmark {
  name: string;
  fn: () => void;
  teardown?: () => void;
}

const PAYLOAD_BYTES = 200;
const GROUP_RECORDS = 64;
const SEGMENT_BYTES = 16 * 1024 * 1024;
/** Staged records of the append-only case are written out this often, so that memory stays bounded. */
const WRITE_EVERY = 1024;
/** Segments are given back this often, as flushes would: the log keeps recycling the same few files. */
const RELEASE_EVERY_BYTES = 4 * SEGMENT_BYTES;

/** Each case has a log of its own; call `teardown` when done with it. */
export function walBenchmarks(): WalBenchmark[] {
  const memory = (): Vfs => new MemoryVfs();
  return [appendOnly(memory()), group('memory', memory(), '/wal'), ...realFiles()];
}

function appendOnly(vfs: Vfs): WalBenchmark {
  const append = appender(vfs, '/wal');
  let staged = 0;
  return {
    name: `wal: append ${PAYLOAD_BYTES} B (staging only)`,
    fn: () => {
      append.one();
      if (++staged % WRITE_EVERY === 0) append.writer.write();
    },
    teardown: () => append.writer.close(),
  };
}

function group(where: string, vfs: Vfs, directory: string): WalBenchmark {
  const append = appender(vfs, directory);
  return {
    name: `wal: append ${GROUP_RECORDS} x ${PAYLOAD_BYTES} B + write + sync (${where})`,
    fn: () => {
      for (let index = 0; index < GROUP_RECORDS; index++) append.one();
      append.writer.write();
      append.writer.sync();
    },
    teardown: () => append.writer.close(),
  };
}

function realFiles(): WalBenchmark[] {
  const directory = mkdtempSync(join(tmpdir(), 'luma-bench-wal-'));
  const benchmark = group('real files', new RealVfs(), join(directory, 'wal'));
  const teardown = (): void => {
    benchmark.teardown?.();
    rmSync(directory, { recursive: true, force: true });
  };
  return [{ ...benchmark, teardown }];
}

function appender(vfs: Vfs, directory: string): { writer: WalWriter; one: () => void } {
  const shard = asShardId(0);
  const pool = new SegmentPool({ vfs, directory, segmentBytes: SEGMENT_BYTES, sparesMax: 4 });
  pool.prepareDirectory();
  const { continuation } = recoverWal({ vfs, directory, shard, onDamage: 'stop', onRecord: () => {} });
  const writer = new WalWriter({ vfs, pool, clock: systemClock, shard, epoch: asEpoch(1), continuation });
  writer.ensureRoom(PAYLOAD_BYTES);
  const payload = new Uint8Array(PAYLOAD_BYTES).fill(0x61);
  const wallClockMs = asMillis(1_700_000_000_000);
  let seqno = 0;
  let releaseAt = RELEASE_EVERY_BYTES;
  let bytes = 0;
  const one = (): void => {
    writer.append(payload, { firstSeqno: asSeqno(++seqno), operationCount: 1, wallClockMs });
    bytes += PAYLOAD_BYTES;
    if (bytes < releaseAt) return;
    releaseAt += RELEASE_EVERY_BYTES;
    writer.releaseThrough(asSeqno(seqno));
  };
  return { writer, one };
}
