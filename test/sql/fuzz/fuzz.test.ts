import { Worker } from 'node:worker_threads';
import test from 'ava';
import { testSeed } from '../../support/random.js';
import { KNOWN_HANGS } from './corpus.js';
import type { FuzzMessage, FuzzTask } from './fuzz-messages.js';

/** SEED=n explores; this one is what every change must keep. */
const SEED_OF_CI = 7;

const seed = testSeed(SEED_OF_CI);
const statements = Number(process.env['FUZZ_STATEMENTS'] ?? 2000);
const only = process.env['STATEMENT'] === undefined ? undefined : Number(process.env['STATEMENT']);
/** For one statement, on a machine that does other things as well. */
const STATEMENT_MS_MAX = 15_000;
const HEAP_MEBIBYTES_MAX = 512;
const HEAP_GROWTH_BYTES_MAX = 48 * 1024 * 1024;
const SHOWN_CHARACTERS_MAX = 1500;
const FAILURES_MAX = 10;

interface FuzzResult {
  readonly failures: readonly string[];
  readonly withRows: number;
  readonly heapGrowthBytes: number;
}

const shown = (number: number, text: string, what: string): string =>
  `SEED=${seed} STATEMENT=${number}: ${what}\n${text.length} characters: ${JSON.stringify(text.slice(0, SHOWN_CHARACTERS_MAX))}`;

function fuzz(): Promise<FuzzResult> {
  const task: FuzzTask = { seed, statements, ...(only !== undefined && { only }) };
  const worker = new Worker(new URL('./fuzz-worker.js', import.meta.url), {
    workerData: task,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX },
  });
  const failures: string[] = [];
  let current = { number: -1, text: '' };
  let watchdog: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const end = (withRows: number, heapGrowthBytes: number): void => {
      clearTimeout(watchdog);
      void worker.terminate();
      resolve({ failures, withRows, heapGrowthBytes });
    };
    const lost = (what: string): void => {
      failures.push(shown(current.number, current.text, what));
      end(0, 0);
    };
    worker.on('message', (message: FuzzMessage) => {
      clearTimeout(watchdog);
      watchdog = setTimeout(() => lost(`hangs for ${STATEMENT_MS_MAX} ms`), STATEMENT_MS_MAX);
      if (message.kind === 'next') current = message;
      else if (message.kind === 'done') end(message.withRows, message.heapGrowthBytes);
      else failures.push(shown(message.number, message.text, message.failure));
      if (failures.length >= FAILURES_MAX) end(0, 0);
    });
    worker.on('error', (error) => lost(`ends the thread: ${error.stack ?? error.message}`));
  });
}

test.serial('broken and strange statements end in rows or in an error of the query', async (t) => {
  t.timeout(60 * 60_000);
  t.log(`SEED=${seed} FUZZ_STATEMENTS=${statements}`);
  for (const text of KNOWN_HANGS) t.log(`not run, since it is known to hang a thread: ${text}`);
  const { failures, withRows, heapGrowthBytes } = await fuzz();
  for (const failure of failures) t.log(failure);
  t.log(`${withRows} of ${statements} gave rows; the heap grew by ${Math.round(heapGrowthBytes / 1024)} KiB`);
  t.is(failures.length, 0);
  t.true(heapGrowthBytes <= HEAP_GROWTH_BYTES_MAX);
});
