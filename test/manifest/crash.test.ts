import test from 'ava';
import { createPrng, type Prng } from '../../src/base/prng.js';
import { ManifestContents } from '../../src/manifest/manifest-contents.js';
import { tableFileName } from '../../src/manifest/manifest-names.js';
import type { WritableManifest } from '../../src/manifest/open-manifest.js';
import type { Version } from '../../src/manifest/version.js';
import type { VersionEdit } from '../../src/manifest/version-edit.js';
import { FaultVfs } from '../../src/vfs/fault.js';
import { MemoryVfs } from '../../src/vfs/memory.js';
import type { CrashMode } from '../../src/vfs/memory-inode.js';
import type { Vfs } from '../../src/vfs/vfs.js';
import { testSeed } from '../support/random.js';
import { contentsOf, install, look, open, pathOf, randomEdit } from './support.js';

const seed = testSeed();
const REWRITE_BYTES = 3000;

/** Thrown by the file system in the place of the power cut. */
class PowerCut extends Error {}

/** What the shard knows of its manifest. */
interface Ledger {
  /** After the last append that returned, or the last open. */
  certain: string | undefined;
  /** After the append that was under way. */
  maybe: string | undefined;
}

/** Opens, checks, and appends `edits` random edits. Returns what is wrong, or undefined. */
function run(vfs: Vfs, ledger: Ledger, prng: Prng, edits: number): string | undefined {
  const opened = open(vfs, REWRITE_BYTES);
  const found = contentsOf(opened);
  if (!agrees(found, ledger, opened.version))
    return `found ${found}\nnot ${ledger.certain}\nnor ${ledger.maybe}`;
  const orphan = opened.report.strays.find(({ kind }) => kind === 'unknown file');
  if (orphan !== undefined) return `${orphan.name} is unknown`;
  ledger.certain = found;
  ledger.maybe = undefined;
  for (let index = 0; index < edits; index++) {
    const change = randomEdit(prng, opened.writer);
    ledger.maybe = withEdit(opened, change);
    install(opened, vfs, change);
    ledger.certain = contentsOf(opened.writer);
    ledger.maybe = undefined;
    for (const fileNumber of change.removedTables) removeTable(vfs, opened, fileNumber);
  }
  opened.writer.close();
  return undefined;
}

/** Numbers that a crash left behind as files move the next file number; nothing else may differ. */
function agrees(found: string, { certain, maybe }: Ledger, version: Version): boolean {
  if (certain === undefined) return version.tableCount === 0;
  const withoutNumber = (text: string): string => text.replace(/"nextFileNumber":\d+/, '');
  return [certain, maybe].some((text) => text !== undefined && withoutNumber(text) === withoutNumber(found));
}

/** What the manifest would say after the edit. */
function withEdit({ writer }: WritableManifest, change: VersionEdit): string {
  const contents = new ManifestContents();
  contents.apply({ removedTables: [], addedTables: writer.version.tables(), ...writer.state });
  contents.apply(change);
  return contentsOf({ version: contents.version, state: contents.state() });
}

function removeTable(vfs: Vfs, opened: WritableManifest, fileNumber: number): void {
  if (opened.writer.version.tables().some((info) => info.fileNumber === fileNumber)) return;
  vfs.unlink(pathOf(tableFileName(fileNumber)));
}

function crashes(vfs: MemoryVfs, ledger: Ledger, prng: Prng, crashAt: number, edits: number) {
  const fault = new FaultVfs(vfs, (call) => {
    if (call.isMutation && call.mutation >= crashAt) throw new PowerCut();
    return undefined;
  });
  try {
    return { crashed: false, problem: run(fault, ledger, prng, edits) };
  } catch (error) {
    if (rootCause(error) instanceof PowerCut) return { crashed: true, problem: undefined };
    throw error;
  }
}

function rootCause(error: unknown): unknown {
  return error instanceof Error && error.cause !== undefined ? rootCause(error.cause) : error;
}

const MODES: readonly CrashMode[] = ['mixed', 'mixed', 'lost', 'kept'];

test(`a power cut at any step leaves the last edit or the one under way, and no acknowledged one is lost (seed ${seed})`, (t) => {
  let steps = 0;
  for (const [round, mode] of MODES.entries()) {
    for (let crashAt = 1, crashed = true; crashed; crashAt++) {
      const where = `SEED=${seed} round ${round} crash at ${crashAt}`;
      const ledger: Ledger = { certain: undefined, maybe: undefined };
      const before = new MemoryVfs();
      const outcome = crashes(before, ledger, createPrng(seed + round), crashAt, 8);
      crashed = outcome.crashed;
      if (outcome.problem !== undefined) return t.fail(`${where}: ${outcome.problem}`);
      const chaos = createPrng(seed + round * 1_000_003 + crashAt);
      const left = before.crash(chaos, mode);
      if (!agrees(contentsOf(look(left)), ledger, look(left).version)) return t.fail(`${where}, read-only`);
      const problem = run(left, ledger, chaos, 2);
      if (problem !== undefined) return t.fail(`${where}: ${problem}`);
      const last = run(left.crash(chaos, 'lost'), ledger, chaos, 0);
      if (last !== undefined) return t.fail(`${where}, third run: ${last}`);
      steps++;
    }
  }
  t.true(steps > 200, `${steps} crashes`);
});

test(`a manifest survives one crash after another, power cuts and kills, also while it is opened (seed ${seed})`, (t) => {
  for (let life = 0; life < 20; life++) {
    const prng = createPrng(seed + 7 + life);
    const ledger: Ledger = { certain: undefined, maybe: undefined };
    let vfs = new MemoryVfs();
    for (let crash = 0; crash < 12; crash++) {
      const outcome = crashes(vfs, ledger, prng, 1 + prng.nextBelow(crash % 3 === 0 ? 12 : 80), 12);
      if (outcome.problem !== undefined)
        return t.fail(`SEED=${seed} life ${life} crash ${crash}: ${outcome.problem}`);
      vfs = prng.nextBelow(3) === 0 ? vfs.kill() : vfs.crash(prng, 'mixed');
    }
    const problem = run(vfs, ledger, prng, 0);
    if (problem !== undefined) return t.fail(`SEED=${seed} life ${life}: ${problem}`);
  }
  t.pass();
});
