/** `npm run perf:restart`: how long is a server with much data away when it is restarted, and when it was killed? */
import pc from 'picocolors';
import { DOCUMENT_BYTES_MIN, KEYS_MAX } from './documents.js';
import { median } from './figures.js';
import { FlagReader, OUTPUT_FLAGS, OUTPUT_USAGE, outputOptions, parseFlags } from './flags.js';
import { publishRecord, type RecordHead, recordHead } from './record.js';
import { type RestartOptions, type RestartResult, runRestarts } from './restart-probe.js';
import { runMain } from './run-main.js';
import { surroundingsWarnings } from './warnings.js';

const USAGE = `Usage: npm run perf:restart -- [options]

Loads documents, then stops and kills the server and measures the time until /ready answers 200.

  --documents N       documents of 150 bytes (1000000)
  --large             5000000 documents
  --document-bytes N  size of a document as it is sent (150)
  --rounds N          restarts of each kind (3)
  --cold              drop the server's files from the page cache before each start
  --memtable-mib N, --memtables N
                      of a shard, in place of the server's defaults
${OUTPUT_USAGE}`;

const FLAGS = {
  documents: { type: 'string' },
  large: { type: 'boolean', default: false },
  'document-bytes': { type: 'string' },
  rounds: { type: 'string' },
  cold: { type: 'boolean', default: false },
  'memtable-mib': { type: 'string' },
  memtables: { type: 'string' },
  ...OUTPUT_FLAGS,
} as const;

/** Defaults of the server's configuration. */
const MEMTABLE_MIB = 64;
const MEMTABLES = 8;

interface RestartRecord extends RecordHead, RestartResult {
  readonly kind: 'restart';
  readonly configuration: RestartOptions;
  readonly warnings: readonly string[];
}

const ms = (values: readonly number[]): string =>
  `${Math.round(median(values))} ms (${values.map((value) => Math.round(value)).join(', ')})`;

function render({ machine, configuration, warnings, ...result }: RestartRecord): string {
  const { rounds } = result;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.fileSystem}, Node ${machine.node}`,
    `${configuration.documents.toLocaleString('en-US')} documents of ${configuration.documentBytes} bytes, ` +
      `${(result.diskBytes / 2 ** 20).toFixed(1)} MiB on disk; page cache ${configuration.cold ? 'cold' : 'warm'}; ` +
      'medians (all rounds)',
    '',
    `load                          ${Math.round(result.documentsPerSecond).toLocaleString('en-US')} documents/s`,
    `start on an empty directory   ${Math.round(result.emptyReadyMs)} ms`,
    `SIGTERM to its end            ${ms(rounds.map((round) => round.stopMs))}`,
    `start after SIGTERM           ${ms(rounds.map((round) => round.gracefulReadyMs))}`,
    `start after kill -9           ${ms(rounds.map((round) => round.killedReadyMs))}`,
    'Before each kill -9 a tenth of the documents was written again. Times are to the first 200 of /ready.',
  ];
  for (const warning of warnings) lines.push(pc.yellow(`Note: ${warning}.`));
  return lines.join('\n');
}

await runMain('perf:restart', async (args) => {
  const values = parseFlags(args, FLAGS);
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const flags = new FlagReader(values);
  const output = outputOptions(values);
  const normal = values.large ? 5_000_000 : 1_000_000;
  const configuration: RestartOptions = {
    documents: flags.whole('documents', { normal, smoke: 2000, min: 10, max: KEYS_MAX }),
    documentBytes: flags.whole('document-bytes', { normal: 150, min: DOCUMENT_BYTES_MIN, max: 100_000 }),
    rounds: flags.whole('rounds', { normal: 3, smoke: 1, min: 1, max: 100 }),
    cold: values.cold,
    memtableMib: flags.whole('memtable-mib', { normal: MEMTABLE_MIB, min: 1, max: 1024 }),
    memtables: flags.whole('memtables', { normal: MEMTABLES, min: 2, max: 1024 }),
  };
  const head = recordHead(['npm run perf:restart --', ...args].join(' '));
  const result = await runRestarts(configuration);
  const warnings = surroundingsWarnings(head.machine.fileSystem, head.loadAverage, output.smoke);
  const record: RestartRecord = { ...head, kind: 'restart', configuration, ...result, warnings };
  publishRecord(record, output, render);
});
