import test from 'ava';
import { createPrng } from '../../src/base/prng.js';
import { createMemtableSlot, NO_SLOT, writeSizeMax } from '../../src/memtable/format.js';
import { touchPages } from '../../src/memtable/touch.js';
import { MemtableWriter } from '../../src/memtable/writer.js';
import { findNode, putBytes, putText, testPool } from '../support/memtables.js';
import type { PageToucherData } from '../support/page-toucher.js';
import { randomBytes, seededPrng } from '../support/random.js';
import { utf8 } from '../support/text.js';
import { nap, resultOf, startWorker } from '../support/worker.js';

const ARENA_BYTES = 128 * 1024;
const ROUNDS = 20;
const GRACE_MS = 20_000;

test('touching changes no byte', (t) => {
  const slot = createMemtableSlot(ARENA_BYTES);
  const memtable = new MemtableWriter(slot, createPrng(1));
  for (let i = 0; i < 500; i++) putText(memtable, `k${i}`, i + 1, 'value');
  const before = new Uint8Array(slot).slice();
  touchPages(slot);
  t.deepEqual(new Uint8Array(slot).slice(), before);
});

test('no store of the writer is lost while another thread touches the same pages', async (t) => {
  const prng = seededPrng(t);
  const memtable = createMemtableSlot(ARENA_BYTES);
  const data: PageToucherData = {
    memtable,
    stop: new SharedArrayBuffer(4),
    rounds: new SharedArrayBuffer(4),
  };
  const worker = startWorker('page-toucher', data);
  const touched = resultOf<number>(worker, GRACE_MS);
  while (Atomics.load(new Int32Array(data.rounds), 0) === 0) {
    nap(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  const writer = new MemtableWriter(memtable, createPrng(prng.nextUint32()));
  for (let round = 0; round < ROUNDS; round++) {
    writer.clear(NO_SLOT);
    const written: Array<{ key: Uint8Array; value: Uint8Array }> = [];
    for (let i = 0; ; i++) {
      const value = randomBytes(prng, prng.nextBelow(300));
      if (!writer.hasRoom(1, writeSizeMax(8, value.length))) break;
      const key = utf8(String(i).padStart(8, '0'));
      putBytes(writer, 1, key, i + 1, value);
      written.push({ key, value });
    }
    const { reader } = writer;
    for (const { key, value } of written) {
      const version = reader.newestVersion(findNode(reader, 1, key));
      const at = reader.valueOffset(version);
      if (Buffer.compare(reader.bytes.slice(at, at + reader.valueLength(version)), value) !== 0)
        t.fail(`round ${round}: ${Buffer.from(key).toString()}`);
    }
  }
  Atomics.store(new Int32Array(data.stop), 0, 1);
  t.true((await touched) > ROUNDS);
});

test('a pool names the memtable that is written and, when that is half full, the next one; each once', (t) => {
  const { pool } = testPool(4, ARENA_BYTES);
  t.is(pool.takeUntouched(), undefined, 'nothing is written yet');
  const fillTo = (share: number): void => {
    while (pool.active.fill < share)
      putBytes(pool.active, 1, utf8(`key ${pool.active.reader.nodeCount()}`), 1, new Uint8Array(1000));
  };
  fillTo(0.1);
  t.is(pool.takeUntouched(), pool.activeSlot);
  t.is(pool.takeUntouched(), undefined);
  fillTo(0.6);
  const next = pool.takeUntouched() ?? -1;
  t.is(pool.takeUntouched(), undefined);
  t.true(pool.rotate());
  t.is(pool.activeSlot, next);
  fillTo(0.1);
  t.is(pool.takeUntouched(), undefined, 'it was touched before it became active');
  fillTo(0.6);
  t.not(pool.takeUntouched(), undefined);
});
