/** What `lumadb import` does. */
import { systemClock } from '../../base/clock.js';
import { compressionOf, formatOf, STANDARD_STREAM } from '../../transfer/formats.js';
import { ImportInput } from '../../transfer/import-input.js';
import type { ImportState } from '../../transfer/import-state.js';
import { type ImportOutcome, runImport } from '../../transfer/importer.js';
import type { Reject } from '../../transfer/reject-file.js';
import type { ImportCommandOptions } from '../commands/import.js';
import { CliError, EXIT_FAILED, EXIT_OK, EXIT_USAGE, print, printError, printJson } from '../output.js';
import { startByteBar, startCountBar } from '../progress.js';
import { clean } from '../render.js';
import { connectTransfer, RETRY_FOR_MS, runTransfer } from './connection.js';
import { NONE } from './option-values.js';

/** Rejects that are told of one by one when no file takes them. */
const REJECTS_SHOWN = 5;

export async function importFile(
  collection: string,
  file: string,
  options: ImportCommandOptions,
): Promise<number> {
  const input = await openInput(file, options);
  const statePath = statePathOf(file, options);
  const notes = new Notes(options.rejects !== undefined);
  const bar = await startBar(collection, input);
  const server = options.dryRun ? undefined : await connectTransfer(options);
  const howToGoOn = statePath === undefined ? '' : '; --resume goes on behind the last acknowledged record';
  try {
    const outcome = await runTransfer(
      (signal) =>
        runImport({
          collection,
          input,
          run: runOf(collection, file, options),
          mode: options.mode,
          idField: options.idField,
          importId: options.importId,
          batchSize: options.batchSize,
          parallel: options.parallel,
          durability: options.durability,
          rejectsPath: options.rejects,
          rejectsMax: options.rejectsMax,
          statePath,
          isResume: options.resume === true,
          server,
          retryForMs: options.retryFor ?? RETRY_FOR_MS,
          clock: systemClock,
          signal,
          onProgress: bar.update,
          onReject: (reject) => notes.rejected(reject),
          onRetry: (error) => notes.retry(error.message),
        }),
      howToGoOn,
    );
    bar.stop();
    report(collection, file, statePath, outcome, options);
    return outcome.state.rejected === 0 && outcome.isComplete ? EXIT_OK : EXIT_FAILED;
  } finally {
    bar.stop();
    server?.close();
  }
}

function openInput(file: string, options: ImportCommandOptions): Promise<ImportInput> {
  return ImportInput.open({
    path: file,
    format: formatOf(file, options.format),
    compression: compressionOf(file, options.compression),
    types: options.types,
    delimiter: options.delimiter,
    columns: options.columns,
    standardInput: process.stdin,
  });
}

/** Beside the input; standard input has no beside. */
function statePathOf(file: string, options: ImportCommandOptions): string | undefined {
  const isRemembered = !options.dryRun && options.state !== NONE;
  const path = options.state ?? (file === STANDARD_STREAM ? undefined : `${file}.import-state`);
  if (options.resume !== true) return isRemembered ? path : undefined;
  if (isRemembered && path !== undefined) return path;
  throw new CliError('--resume needs a state: name its file with --state', EXIT_USAGE);
}

/** What a resumed import must have in common with the run before. */
function runOf(collection: string, file: string, options: ImportCommandOptions): Record<string, unknown> {
  return {
    collection,
    format: formatOf(file, options.format),
    compression: compressionOf(file, options.compression),
    mode: options.mode,
    id_field: options.idField ?? null,
    types: options.types?.toString() ?? null,
    delimiter: options.delimiter,
    columns: options.columns ?? null,
    rejects: options.rejects ?? null,
  };
}

/** What is told on stderr while the import runs. */
class Notes {
  private rejects = 0;
  private lastRetry = '';

  constructor(private readonly hasRejectsFile: boolean) {}

  rejected({ at, code, message }: Reject): void {
    if (this.hasRejectsFile || ++this.rejects > REJECTS_SHOWN + 1) return;
    if (this.rejects > REJECTS_SHOWN)
      printError('further rejected records are not shown: --rejects FILE keeps them all');
    else printError(`line ${at.line}: ${code}: ${clean(message)}`);
  }

  /** Once for each reason: a server that is away for a minute is one line and not hundreds. */
  retry(message: string): void {
    if (message === this.lastRetry) return;
    this.lastRetry = message;
    printError(`trying again: ${clean(message)}`);
  }
}

interface ImportBar {
  readonly update: (state: ImportState) => void;
  readonly stop: () => void;
}

async function startBar(collection: string, input: ImportInput): Promise<ImportBar> {
  const what = `importing into ${collection}`;
  const { bytesTotal } = input;
  if (bytesTotal === undefined) {
    const bar = await startCountBar(what, undefined);
    return { update: (state) => bar.update(state.written, ' documents'), stop: () => bar.stop() };
  }
  const bar = await startByteBar(what);
  return { update: () => bar.update(input.bytesRead, bytesTotal), stop: () => bar.stop() };
}

function report(
  collection: string,
  file: string,
  statePath: string | undefined,
  outcome: ImportOutcome,
  options: ImportCommandOptions,
): void {
  const { state, seconds, records, isComplete, isResumed } = outcome;
  const perSecond = Math.round(records / Math.max(seconds, 0.001));
  if (options.json) {
    printJson({
      collection,
      input: file,
      complete: isComplete,
      dry_run: options.dryRun === true,
      resumed: isResumed,
      records_read: state.records,
      written: state.written,
      found_written: state.found,
      rejected: state.rejected,
      rejects_file: options.rejects ?? null,
      seconds: Number(seconds.toFixed(3)),
      documents_per_second: perSecond,
      import_id: state.import_id,
      state_file: statePath ?? null,
    });
  } else {
    const verb = options.dryRun ? 'valid' : 'written';
    const found = state.found === 0 ? '' : ` (${state.found} by an earlier attempt)`;
    const where = options.rejects !== undefined && state.rejected > 0 ? ` (${options.rejects})` : '';
    const speed = records === 0 ? '' : `, ${seconds.toFixed(1)} s, ${perSecond} documents/s`;
    print(
      `${collection}: ${state.records} records read, ${state.written} ${verb}${found}, ${state.rejected} rejected${where}${speed}`,
    );
  }
  if (isComplete) return;
  const goOn = statePath === undefined ? '' : ': mend the input, or --resume with a greater --rejects-max';
  printError(`lumadb: stopped: more than ${options.rejectsMax} records were rejected${goOn}`);
}
