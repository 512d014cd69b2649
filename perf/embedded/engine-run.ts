/**
 * Measures one engine, in a process of its own: neither memory nor garbage collection nor native libraries of one engine
 * touch another. Everything that is read is checked. Argument: an EngineRun; prints EngineFigures.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createHistogram } from 'node:perf_hooks';
import { createPrng } from '../../src/base/prng.js';
import { printReport } from '../child-process.js';
import { percentileMs, recordMs } from '../latency.js';
import { EntryMaker, KEY_BYTES, permutation } from './data.js';
import type { EmbeddedStore } from './embedded-store.js';
import { ENGINES } from './engines.js';
import type { EngineFigures, WriteFigures } from './figures.js';
import { bytesWritten, diskBytes, dropFromPageCache, untilQuiet } from './file-usage.js';
import type { WorkOptions } from './options.js';

export interface EngineRun extends WorkOptions {
  readonly engine: string;
  readonly directory: string;
}

const run = JSON.parse(process.argv[2]) as EngineRun;
const maker = new EntryMaker(run.valueBytes, run.batchEntries, run.seed);
const prng = createPrng(run.seed);
const userBytesPerPut = KEY_BYTES + run.valueBytes;
const liveBytes = run.documents * userBytesPerPut;

/** Puts `count` records, `indexAt(i)` as number i, and waits until the background has come to rest. */
async function write(
  store: EmbeddedStore,
  count: number,
  round: number,
  indexAt: (i: number) => number,
): Promise<WriteFigures> {
  const indexes = new Uint32Array(run.batchEntries);
  const writtenBefore = bytesWritten();
  const cpuBefore = process.cpuUsage();
  const startMs = performance.now();
  for (let done = 0; done < count; ) {
    const size = Math.min(run.batchEntries, count - done);
    for (let i = 0; i < size; i++) indexes[i] = indexAt(done + i);
    await store.load(maker.batch(indexes.subarray(0, size), round + done));
    done += size;
  }
  const endMs = performance.now();
  await store.flush?.();
  const settledMs = await untilQuiet();
  const cpu = process.cpuUsage(cpuBefore);
  return {
    opsPerSecond: (count / (endMs - startMs)) * 1000,
    settledOpsPerSecond: (count / (Math.max(settledMs, endMs) - startMs)) * 1000,
    writeAmplification: (bytesWritten() - writtenBefore) / (count * userBytesPerPut),
    cpuUs: (cpu.user + cpu.system) / count,
  };
}

/** Reads per second of `count` random records among the first `among`. */
function read(store: EmbeddedStore, count: number, among: number): number {
  const startMs = performance.now();
  for (let i = 0; i < count; i++) {
    const value = store.get(maker.keyOf(prng.nextBelow(among)));
    if (value?.length !== run.valueBytes) throw new Error(`a read gave ${value?.length} bytes`);
  }
  return (count / (performance.now() - startMs)) * 1000;
}

/** Like read(), with the latency of each and every value compared. */
function readCold(store: EmbeddedStore): Pick<EngineFigures, 'coldReads' | 'coldP50Us' | 'coldP99Us'> {
  const latencyNs = createHistogram();
  let totalMs = 0;
  for (let i = 0; i < run.coldReads; i++) {
    const index = prng.nextBelow(run.documents);
    const key = maker.keyOf(index);
    const startMs = performance.now();
    const value = store.get(key);
    const tookMs = performance.now() - startMs;
    totalMs += tookMs;
    recordMs(latencyNs, tookMs);
    const fault = maker.fault(index, value);
    if (fault !== undefined) throw new Error(fault);
  }
  return {
    coldReads: (run.coldReads / totalMs) * 1000,
    coldP50Us: percentileMs(latencyNs, 50) * 1000,
    coldP99Us: percentileMs(latencyNs, 99) * 1000,
  };
}

/** Entries per second of a whole scan. */
async function scan(store: EmbeddedStore): Promise<number> {
  let entries = 0;
  let bytes = 0;
  const startMs = performance.now();
  await store.scan((key, value) => {
    entries++;
    bytes += key.length + value.length;
  });
  const tookMs = performance.now() - startMs;
  if (entries !== run.documents || bytes !== liveBytes)
    throw new Error(`a scan gave ${entries} entries of ${bytes} bytes, not ${run.documents} of ${liveBytes}`);
  return (entries / tookMs) * 1000;
}

async function openNew(name: string): Promise<{ store: EmbeddedStore; directory: string }> {
  const directory = join(run.directory, name);
  mkdirSync(directory);
  const store = await ENGINES[run.engine](run);
  await store.open(directory);
  return { store, directory };
}

async function measureSequentialLoad(): Promise<WriteFigures> {
  const { store, directory } = await openNew('sequential');
  const figures = await write(store, run.documents, 0, (i) => i);
  await store.close();
  rmSync(directory, { recursive: true });
  return figures;
}

async function measure(): Promise<EngineFigures> {
  const sequentialLoad = await measureSequentialLoad();
  const { store, directory } = await openNew('random');
  const order = permutation(run.documents, prng);
  const randomLoad = await write(store, run.documents, 0, (i) => order[i]);
  const overwrite = await write(store, run.updates, 1, () => prng.nextBelow(run.documents));
  const diskBytesSettled = diskBytes(directory);
  const compaction = store.compactionFigures?.();
  // Once over everything that is to be in a cache, and for the compiler; then what counts.
  read(store, run.reads, run.hotDocuments);
  const hotReads = read(store, run.reads, run.hotDocuments);
  read(store, run.reads, run.documents);
  const warmReads = read(store, run.reads, run.documents);
  await store.close();
  const coldResidentBytes = dropFromPageCache(directory);
  const openStartMs = performance.now();
  await store.open(directory);
  const openMs = performance.now() - openStartMs;
  const cold = readCold(store);
  await scan(store);
  const scanRate = await scan(store);
  await store.compact?.();
  await untilQuiet();
  const compacted = store.compact === undefined ? undefined : diskBytes(directory);
  await store.close();
  return {
    engine: run.engine,
    description: store.description,
    sequentialLoad,
    randomLoad,
    overwrite,
    hotReads,
    warmReads,
    ...cold,
    coldResidentBytes,
    openMs,
    scan: scanRate,
    diskBytes: diskBytesSettled,
    compactedDiskBytes: compacted,
    spaceAmplification: diskBytesSettled / liveBytes,
    compactedSpaceAmplification: compacted === undefined ? undefined : compacted / liveBytes,
    rssMiBMax: process.resourceUsage().maxRSS / 1024,
    compaction,
  };
}

printReport(await measure());
// Threads of an engine do not keep a process that is done.
process.exit(0);
