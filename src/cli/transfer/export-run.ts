/** What `lumadb export` does. */
import { systemClock } from '../../base/clock.js';
import { compileFilterText } from '../../transfer/export-filter.js';
import { FileOutput, StreamOutput } from '../../transfer/export-output.js';
import type { ExportState } from '../../transfer/export-state.js';
import { type ExportOutcome, runExport } from '../../transfer/exporter.js';
import {
  type Compression,
  compressionOf,
  type Format,
  formatOf,
  STANDARD_STREAM,
} from '../../transfer/formats.js';
import { openWriter, shapeOf, type WriterOptions } from '../../transfer/open-writer.js';
import type { ExportCommandOptions } from '../commands/export.js';
import { CliError, EXIT_FAILED, EXIT_OK, EXIT_USAGE, print, printError } from '../output.js';
import { startCountBar } from '../progress.js';
import { clean } from '../render.js';
import { connectTransfer, RETRY_FOR_MS, runTransfer } from './connection.js';

export async function exportCollection(collection: string, options: ExportCommandOptions): Promise<number> {
  const isStream = options.output === STANDARD_STREAM;
  if (isStream && options.resume) {
    throw new CliError('--resume goes on with a file: name it with --output', EXIT_USAGE);
  }
  const format = formatOf(options.output, options.format);
  const compression = compressionOf(options.output, options.compression);
  if (format === 'parquet' && compression !== 'none') {
    throw new CliError('Parquet compresses its columns itself: leave --compression out', EXIT_USAGE);
  }
  const writing: WriterOptions = { format, fields: options.fields, delimiter: options.delimiter };
  const filter = options.filter === undefined ? undefined : compileFilterText(options.filter);
  const server = await connectTransfer(options);
  // Of a part of a collection the total is not known.
  const isPart = filter !== undefined || options.where !== undefined;
  const total = options.limit ?? (isPart ? undefined : await server.count(collection));
  const bar = await startCountBar(`exporting ${collection}`, total);
  try {
    const outcome = await runTransfer(
      (signal) =>
        runExport({
          collection,
          server,
          output: isStream ? new StreamOutput(process.stdout) : new FileOutput(options.output, systemClock),
          run: runOf(collection, format, compression, options),
          isResume: options.resume === true,
          compression,
          sample: options.sample,
          shape: shapeOf(writing),
          openWriter: (state) => openWriter(writing, state),
          filter,
          where: options.where,
          limit: options.limit,
          rejectsPath: options.rejects,
          isOneSnapshot: options.oneSnapshot === true,
          retryForMs: options.retryFor ?? RETRY_FOR_MS,
          clock: systemClock,
          signal,
          onProgress: (state) => bar.update(state.documents, ` documents, ${mebibytes(state)}`),
          onRetry: (error) => printError(`trying again: ${clean(error.message)}`),
        }),
      isStream ? '' : '; what has been written is kept for --resume',
    );
    bar.stop();
    report(collection, format, outcome, options);
    return outcome.state.rejected === 0 ? EXIT_OK : EXIT_FAILED;
  } finally {
    bar.stop();
    server.close();
  }
}

/** What a resumed export must have in common with the run before. */
function runOf(
  collection: string,
  format: Format,
  compression: Compression,
  options: ExportCommandOptions,
): Record<string, unknown> {
  const { filter, where, fields, limit, sample, delimiter, rejects } = options;
  return {
    collection,
    format,
    compression,
    filter: filter ?? null,
    where: where ?? null,
    fields: fields ?? null,
    limit: limit ?? null,
    sample,
    delimiter,
    rejects: rejects ?? null,
  };
}

const mebibytes = ({ bytes }: ExportState): string => `${(bytes / 1024 / 1024).toFixed(1)} MiB`;

function report(
  collection: string,
  format: Format,
  outcome: ExportOutcome,
  options: ExportCommandOptions,
): void {
  const { state, seconds, documents, isResumed } = outcome;
  const perSecond = Math.round(documents / Math.max(seconds, 0.001));
  // Standard output may be the export itself.
  const tell = options.output === STANDARD_STREAM ? printError : print;
  if (options.json) {
    const summary = {
      collection,
      output: options.output,
      format,
      documents: state.documents,
      rejected: state.rejected,
      rejects_file: options.rejects ?? null,
      bytes: state.bytes,
      snapshots: state.snapshots,
      resumed: isResumed,
      seconds: Number(seconds.toFixed(3)),
      documents_per_second: perSecond,
    };
    tell(JSON.stringify(summary, null, 2));
  } else {
    const rejected = state.rejected === 0 ? '' : `, ${state.rejected} rejected (${options.rejects})`;
    tell(
      `${collection}: ${state.documents} documents${rejected}, ${mebibytes(state)}, ${seconds.toFixed(1)} s, ${perSecond} documents/s`,
    );
  }
  if (state.snapshots > 1) {
    printError(
      `the export is made of ${state.snapshots} snapshots: it was interrupted, and went on at a later one`,
    );
  }
}
