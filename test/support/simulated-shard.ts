/**
 * A shard without files: what each table holds is a list of versions, and a compaction is a sort. Carries out choices,
 * several at a time, and says what is wrong with the result. Outputs are cut at random places, as large as they may be.
 */
import type { Prng } from '../../src/base/prng.js';
import { type CompactionChoice, inputTables, type PickerState } from '../../src/compaction/picker-state.js';
import type { TableInfo } from '../../src/manifest/table-info.js';
import { Version } from '../../src/manifest/version.js';
import { oneIn } from './random.js';
import { utf8 } from './text.js';
import { pickerState } from './versions.js';

interface SimulatedVersion {
  readonly key: string;
  readonly seqno: number;
  readonly isTombstone: boolean;
}

interface RunningJob {
  readonly choice: CompactionChoice;
  /** Tables below the output at the time of the choice: what decides whether tombstones may go. */
  readonly deeper: readonly TableInfo[];
}

const BYTES_PER_ENTRY = 1000;
const KEYS = 300;

export class SimulatedShard {
  version = Version.empty();
  readonly running: RunningJob[] = [];
  private readonly contents = new Map<number, readonly SimulatedVersion[]>();
  private cursors: PickerState['cursors'] = [];
  private nextFileNumber = 1;
  private nextRun = 1;
  private nextSeqno = 1;

  constructor(
    private readonly prng: Prng,
    private readonly options: PickerState['options'],
  ) {}

  state(): PickerState {
    const busy = new Set(this.running.flatMap(({ choice }) => inputTables(choice).map((t) => t.fileNumber)));
    return pickerState(this.version, { busy, cursors: this.cursors, options: this.options });
  }

  /** A run of one to four tables, either over all keys or over a few neighbouring ones. */
  flush(): void {
    const { prng } = this;
    const width = oneIn(prng, 3) ? 20 : KEYS;
    const start = prng.nextBelow(KEYS - width + 1);
    const deletes = oneIn(prng, 4);
    const newest = new Map<string, SimulatedVersion>();
    for (let i = 0; i < 30; i++) {
      const key = `k${String(start + prng.nextBelow(width)).padStart(4, '0')}`;
      newest.set(key, { key, seqno: this.nextSeqno++, isTombstone: deletes || oneIn(prng, 10) });
    }
    this.add(this.cut([...newest.values()].sort(inOrder), 0, this.nextRun++), []);
  }

  start(choice: CompactionChoice): void {
    const deeper = this.version.levels
      .slice(choice.outputLevel + 1)
      .flatMap((runs) => runs.flatMap((run) => run.overlapping(choice.smallest, choice.largest)));
    this.running.push({ choice, deeper });
    if (choice.cursor !== undefined) {
      const { cursor } = choice;
      this.cursors = [...this.cursors.filter(({ level }) => level !== cursor.level), cursor];
    }
  }

  /** Ends one of the running jobs. */
  finish(index: number): void {
    const [{ choice, deeper }] = this.running.splice(index, 1);
    const inputs = inputTables(choice);
    const removed = inputs.map(({ fileNumber }) => fileNumber);
    if (choice.kind === 'move') {
      this.version = this.version.apply({
        addedTables: [{ ...inputs[0], level: choice.outputLevel, run: 0 }],
        removedTables: removed,
      });
      return;
    }
    const newest = new Map<string, SimulatedVersion>();
    for (const version of inputs.flatMap(({ fileNumber }) => this.contentsOf(fileNumber))) {
      const known = newest.get(version.key);
      if (known === undefined || known.seqno < version.seqno) newest.set(version.key, version);
    }
    const kept = [...newest.values()].filter(
      ({ key, isTombstone }) => !isTombstone || deeper.some((table) => covers(table, key)),
    );
    this.add(this.cut(kept.sort(inOrder), choice.outputLevel, 0), removed);
  }

  /** What a reader would get wrong: keys whose newer version is found behind an older one, or not at all. */
  faults(): string[] {
    const found: string[] = [];
    const seen = new Map<string, number>();
    for (const { tables } of this.version.runsNewestFirst()) {
      for (const { key, seqno } of tables.flatMap(({ fileNumber }) => this.contentsOf(fileNumber))) {
        const newer = seen.get(key);
        if (newer !== undefined && newer <= seqno) found.push(`${key}@${seqno} is below ${key}@${newer}`);
        seen.set(key, Math.min(newer ?? seqno, seqno));
      }
    }
    return found;
  }

  /** Newest seqno of each key that a reader finds; keys that are deleted are not in it. */
  readable(): Map<string, number> {
    const newest = new Map<string, SimulatedVersion>();
    for (const { tables } of this.version.runsNewestFirst()) {
      for (const version of tables.flatMap(({ fileNumber }) => this.contentsOf(fileNumber))) {
        if (!newest.has(version.key)) newest.set(version.key, version);
      }
    }
    const documents = [...newest.values()].filter(({ isTombstone }) => !isTombstone);
    return new Map(documents.sort(inOrder).map(({ key, seqno }) => [key, seqno]));
  }

  private contentsOf(fileNumber: number): readonly SimulatedVersion[] {
    return this.contents.get(fileNumber) ?? [];
  }

  private add(addedTables: readonly TableInfo[], removedTables: readonly number[]): void {
    this.version = this.version.apply({ addedTables, removedTables });
  }

  /** Tables of 10 versions at least. Now and then all in one: the widest output that a job may write. */
  private cut(versions: readonly SimulatedVersion[], level: number, run: number): TableInfo[] {
    const tables: TableInfo[] = [];
    const isOne = oneIn(this.prng, 3);
    for (let start = 0; start < versions.length; ) {
      const rest = versions.length - start;
      const count = isOne || rest < 20 ? rest : 10 + this.prng.nextBelow(10);
      tables.push(this.table(versions.slice(start, start + count), level, run));
      start += count;
    }
    return tables;
  }

  private table(versions: readonly SimulatedVersion[], level: number, run: number): TableInfo {
    const fileNumber = this.nextFileNumber++;
    this.contents.set(fileNumber, versions);
    const seqnos = versions.map(({ seqno }) => seqno);
    const tombstones = versions.filter(({ isTombstone }) => isTombstone).length;
    const entries = versions.length;
    const rawBytes = entries * BYTES_PER_ENTRY;
    return {
      fileNumber,
      level,
      run,
      sizeBytes: rawBytes,
      entries,
      tombstones,
      rawBytes,
      smallest: { collection: 1, key: utf8(versions[0].key) },
      largest: { collection: 1, key: utf8(versions[entries - 1].key) },
      minSeqno: Math.min(...seqnos),
      maxSeqno: Math.max(...seqnos),
      earliestExpiry: 0,
      collections: [{ collection: 1, entries, tombstones, rawBytes }],
    };
  }
}

function inOrder(a: SimulatedVersion, b: SimulatedVersion): number {
  return a.key < b.key ? -1 : a.key > b.key ? 1 : b.seqno - a.seqno;
}

function covers({ smallest, largest }: TableInfo, key: string): boolean {
  const bytes = Buffer.from(key);
  return Buffer.compare(smallest.key, bytes) <= 0 && Buffer.compare(bytes, largest.key) <= 0;
}
