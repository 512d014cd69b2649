/** `npm run perf:embedded`: the storage engine as a library, against LevelDB and LMDB, on the same data in one run. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { removeDirectory, runScript, temporaryDirectory } from '../child-process.js';
import { ProgressLine } from '../progress.js';
import { publishRecord, type RecordHead, recordHead } from '../record.js';
import { runMain } from '../run-main.js';
import { surroundingsWarnings } from '../warnings.js';
import type { EngineRun } from './engine-run.js';
import type { EngineFigures } from './figures.js';
import { EMBEDDED_USAGE, type EmbeddedOptions, parseEmbeddedOptions } from './options.js';
import { type EmbeddedRecord, type EngineRounds, ratiosOf } from './record.js';
import { renderEmbedded } from './table.js';

const ENGINE_RUN_SCRIPT = fileURLToPath(new URL('./engine-run.js', import.meta.url));
/** An engine that takes longer than this does not get done. */
const ENGINE_SECONDS_MAX = 3600;
/** This part of the data in memory makes cold reads warm. */
const RESIDENT_SHARE_MAX = 0.05;

async function measureEngine(
  engine: string,
  directory: string,
  options: EmbeddedOptions,
): Promise<EngineFigures> {
  const own = join(directory, engine);
  mkdirSync(own);
  const run: EngineRun = { ...options, engine, directory: own };
  const figures = await runScript<EngineFigures>(engine, ENGINE_RUN_SCRIPT, run, ENGINE_SECONDS_MAX);
  removeDirectory(own);
  return figures;
}

async function measureRounds(options: EmbeddedOptions): Promise<EngineRounds> {
  const directory = temporaryDirectory('embedded');
  const progress = new ProgressLine(options.rounds * options.engines.length);
  const rounds: EngineFigures[][] = [];
  for (let number = 1; number <= options.rounds; number++) {
    const round: EngineFigures[] = [];
    for (const engine of options.engines) {
      progress.next(`round ${number} of ${options.rounds}: ${engine}`);
      round.push(await measureEngine(engine, directory, options));
    }
    rounds.push(round);
  }
  progress.clear();
  removeDirectory(directory);
  return rounds;
}

function warningsOf(rounds: EngineRounds, head: RecordHead, { smoke }: EmbeddedOptions): string[] {
  const warnings = surroundingsWarnings(head.machine.fileSystem, head.loadAverage, smoke);
  for (const { engine, coldResidentBytes, diskBytes } of rounds.flat()) {
    if (coldResidentBytes === undefined)
      warnings.push(`${engine}: fincore is missing, so nobody knows how cold the cold reads were`);
    else if (coldResidentBytes > diskBytes * RESIDENT_SHARE_MAX)
      warnings.push(
        `${engine}: ${coldResidentBytes} bytes were still in the page cache before the cold reads`,
      );
  }
  return [...new Set(warnings)];
}

await runMain('perf:embedded', async (args) => {
  const options = parseEmbeddedOptions(args);
  if (options === undefined) {
    console.log(EMBEDDED_USAGE);
    return;
  }
  const head = recordHead(['npm run perf:embedded --', ...args].join(' '));
  const rounds = await measureRounds(options);
  const { json, history, ...configuration } = options;
  const record: EmbeddedRecord = {
    ...head,
    kind: 'embedded',
    configuration,
    warnings: warningsOf(rounds, head, options),
    ratios: ratiosOf(rounds, options.engines),
    rounds,
  };
  publishRecord(record, options, renderEmbedded);
});
