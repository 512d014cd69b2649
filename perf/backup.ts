/** `npm run perf:backup`: how quick are backups and restores, against cp and zstd, and what do writers notice? */
import pc from 'picocolors';
import {
  type BackupPerfOptions,
  type BackupPerfResult,
  type BackupRound,
  type IncrementalSizes,
  runBackups,
} from './backup-probe.js';
import { DOCUMENT_BYTES_MIN, KEYS_MAX } from './documents.js';
import { median } from './figures.js';
import { FlagReader, OUTPUT_FLAGS, OUTPUT_USAGE, outputOptions, parseFlags } from './flags.js';
import { publishRecord, type RecordHead, recordHead } from './record.js';
import { runMain } from './run-main.js';
import { surroundingsWarnings } from './warnings.js';

const USAGE = `Usage: npm run perf:backup -- [options]

Loads documents, compacts them, then copies the tables with cp, cp and sync, and zstd -1, backs them up and restores them, by turns.

  --documents N       documents (500000)
  --document-bytes N  size of a document as it is sent (1000)
  --rounds N          of copies, backups and restores (3)
  --put-seconds N     of PUTs alone and beside a backup (10)
${OUTPUT_USAGE}`;

const FLAGS = {
  documents: { type: 'string' },
  'document-bytes': { type: 'string' },
  rounds: { type: 'string' },
  'put-seconds': { type: 'string' },
  ...OUTPUT_FLAGS,
} as const;

interface BackupRecord extends RecordHead, BackupPerfResult {
  readonly kind: 'backup';
  readonly configuration: BackupPerfOptions;
  readonly warnings: readonly string[];
}

function render({ machine, configuration, warnings, ...result }: BackupRecord): string {
  const { rounds } = result;
  const of = (name: keyof BackupRound): number => median(rounds.map((round) => round[name]));
  const rate = (name: keyof BackupRound): string => `${(result.tableBytes / 1e6 / of(name)).toFixed(0)} MB/s`;
  const ratio = (ours: keyof BackupRound, theirs: keyof BackupRound): string =>
    `${median(rounds.map((round) => round[theirs] / round[ours])).toFixed(2)} of ${theirs} (${rate(theirs)})`;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.fileSystem}, Node ${machine.node}`,
    `${configuration.documents.toLocaleString('en-US')} documents of ${configuration.documentBytes} bytes, ` +
      `${(result.tableBytes / 2 ** 20).toFixed(0)} MiB on disk; medians of ${rounds.length} rounds`,
    '',
    `backup, no compression   ${rate('backupNone')}, ${ratio('backupNone', 'cp')}, ${ratio('backupNone', 'cpSync')}`,
    `backup, zstd             ${rate('backupZstd')}, ${ratio('backupZstd', 'zstd')}`,
    `restore, no compression  ${rate('restoreNone')}, ${ratio('restoreNone', 'cp')}, ${ratio('restoreNone', 'cpSync')}`,
    `restore, zstd            ${rate('restoreZstd')}, ${ratio('restoreZstd', 'unzstd')}`,
    `PUT p99                  ${result.putP99BesideMs.toFixed(1)} ms beside a backup, ${result.putP99AloneMs.toFixed(1)} ms alone`,
    `incremental after 1 %    ${shares(result.together)} when neighbours changed`,
    `                         ${shares(result.spread)} when every hundredth changed`,
  ];
  for (const warning of warnings) lines.push(pc.yellow(`Note: ${warning}.`));
  return lines.join('\n');
}

function shares({ fullBytes, incrementalBytes, compactedBytes }: IncrementalSizes): string {
  const share = (bytes: number): string => `${((bytes / fullBytes) * 100).toFixed(1)} %`;
  return `${share(incrementalBytes)} of the full one, ${share(compactedBytes)} once everything was compacted,`;
}

await runMain('perf:backup', async (args) => {
  const values = parseFlags(args, FLAGS);
  if (values.help) {
    console.log(USAGE);
    return;
  }
  const flags = new FlagReader(values);
  const output = outputOptions(values);
  const configuration: BackupPerfOptions = {
    documents: flags.whole('documents', { normal: 500_000, smoke: 2000, min: 100, max: KEYS_MAX }),
    documentBytes: flags.whole('document-bytes', { normal: 1000, min: DOCUMENT_BYTES_MIN, max: 100_000 }),
    rounds: flags.whole('rounds', { normal: 3, smoke: 1, min: 1, max: 100 }),
    putSeconds: flags.whole('put-seconds', { normal: 10, smoke: 1, min: 1, max: 600 }),
  };
  const head = recordHead(['npm run perf:backup --', ...args].join(' '));
  const result = await runBackups(configuration);
  const warnings = surroundingsWarnings(head.machine.fileSystem, head.loadAverage, output.smoke);
  const record: BackupRecord = { ...head, kind: 'backup', configuration, ...result, warnings };
  publishRecord(record, output, render);
});
