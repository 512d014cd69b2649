/** Threads of the version board hammer. The publisher makes versions of which each says what it must look like. */
import { parentPort, workerData } from 'node:worker_threads';
import { createPrng } from '../../src/base/prng.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { Version } from '../../src/manifest/version.js';
import type { VersionBoard } from '../../src/manifest/version-board.js';
import { VersionPublisher } from '../../src/manifest/version-publisher.js';
import { VersionSubscriber } from '../../src/manifest/version-subscriber.js';
import { nap } from '../support/worker.js';
import { edit, table } from './support.js';

export interface BoardPeerData {
  readonly role: 'publisher' | 'subscriber';
  readonly board: VersionBoard;
  /** Two int32s: 1 = stop; how many subscribers have seen VERSIONS_MIN versions. */
  readonly stop: SharedArrayBuffer;
  readonly seed: number;
}

export interface BoardPeerResult {
  /** Versions published, or seen. */
  readonly versions: number;
  readonly lastNumber: number;
  readonly fault?: string;
}

/** Enough for a run to mean something. */
export const VERSIONS_MIN = 20;
const TABLES_MAX = 400;

const key = (index: number): string => String(index).padStart(4, '0');

/** Version n holds one table per number in (n - size, n], whose size is derived from n; all have 2 entries per number. */
function publish({ board, stop, seed }: BoardPeerData): BoardPeerResult {
  const flag = new Int32Array(stop);
  const prng = createPrng(seed);
  const publisher = new VersionPublisher(board);
  let version = Version.empty();
  let number = 0;
  while (Atomics.load(flag, 0) === 0) {
    number++;
    const kept = sizeOf(number);
    const addedTables = [numbered(number)];
    const removedTables = version
      .tables()
      .map(({ fileNumber }) => fileNumber)
      .filter((fileNumber) => fileNumber <= number - kept);
    version = version.apply(edit({ addedTables, removedTables }));
    publisher.publish(version, number);
    if (prng.nextBelow(4) === 0) nap(1);
  }
  return { versions: number, lastNumber: number };
}

/** How many of the last tables version `number` may keep. */
function sizeOf(number: number): number {
  return 1 + ((number * 7) % TABLES_MAX);
}

/** Key ranges that no two tables of a version share. */
function numbered(number: number): TableInfo {
  const at = key(number % 10_000);
  return table(number, at, `${at}x`, { entries: 2 * number, sizeBytes: 3 * number });
}

function subscribe({ board, stop }: BoardPeerData): BoardPeerResult {
  const flag = new Int32Array(stop);
  const subscriber = new VersionSubscriber(board);
  let versions = 0;
  while (Atomics.load(flag, 0) === 0) {
    const before = subscriber.versionNumber;
    if (!subscriber.refresh()) continue;
    if (++versions === VERSIONS_MIN) Atomics.add(flag, 1, 1);
    const fault = faultOf(subscriber, before);
    if (fault !== undefined) return { versions, lastNumber: subscriber.versionNumber, fault };
  }
  subscriber.refresh();
  return { versions, lastNumber: subscriber.versionNumber };
}

function faultOf({ version, versionNumber }: VersionSubscriber, before: number): string | undefined {
  if (versionNumber <= before) return `version ${versionNumber} after ${before}`;
  const tables = version.tables();
  const newest = Math.max(...tables.map(({ fileNumber }) => fileNumber));
  if (newest !== versionNumber) return `version ${versionNumber} ends with table ${newest}`;
  if (tables.length > sizeOf(versionNumber)) return `version ${versionNumber} has ${tables.length} tables`;
  const torn = tables.find(
    ({ fileNumber, entries, sizeBytes }) => entries !== 2 * fileNumber || sizeBytes !== 3 * fileNumber,
  );
  return torn === undefined ? undefined : `table ${torn.fileNumber} of version ${versionNumber} is torn`;
}

const data = workerData as BoardPeerData | null;
if (data !== null) parentPort?.postMessage(data.role === 'publisher' ? publish(data) : subscribe(data));
