/** An import from its first record to its summary. What it is made of has files of its own; this one joins them. */
import { randomBytes } from 'node:crypto';
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import type { LumaDbError } from '../client/error.js';
import type { DurabilityLevel } from '../client/types.js';
import { Batch } from './batch.js';
import { BulkSender } from './bulk-sender.js';
import { DocumentIntake } from './document-intake.js';
import type { ImportInput } from './import-input.js';
import { ImportJournal } from './import-journal.js';
import { ImportPipeline } from './import-pipeline.js';
import { type ImportState, importStateSchema, newImportState } from './import-state.js';
import { Patience } from './patience.js';
import type { InputRecord, RecordStream } from './record.js';
import { type Reject, rejectOf } from './reject-file.js';
import type { TransferServer } from './server.js';
import { checkSame, StateFile } from './state-file.js';

/** A batch is sent when its documents have this many bytes, however few they are. */
const BATCH_BYTES = 4 * 1024 * 1024;
/** Or when this many of its records were rejected: an input that is something else must not pile up. */
const BATCH_REJECTS = 1000;
const IMPORT_ID_BYTES = 8;

export interface ImportOptions {
  readonly collection: string;
  readonly input: ImportInput;
  /** What a resumed run must have in common with the one before. */
  readonly run: Readonly<Record<string, unknown>>;
  readonly mode: 'create' | 'replace';
  readonly idField: string | undefined;
  readonly importId: string | undefined;
  readonly batchSize: number;
  readonly parallel: number;
  readonly durability: DurabilityLevel | undefined;
  readonly rejectsPath: string | undefined;
  /** The import stops when more records than this have been rejected. */
  readonly rejectsMax: number;
  /** Undefined: nothing is remembered. */
  readonly statePath: string | undefined;
  readonly isResume: boolean;
  /** Undefined: nothing is sent. */
  readonly server: TransferServer | undefined;
  readonly retryForMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (state: ImportState) => void;
  readonly onReject: (reject: Reject) => void;
  readonly onRetry: (error: LumaDbError) => void;
}

export interface ImportOutcome {
  readonly state: ImportState;
  /** Of this run. */
  readonly records: number;
  readonly seconds: number;
  readonly isResumed: boolean;
  /** False: more were rejected than allowed. */
  readonly isComplete: boolean;
}

/** Throws what ended it before its time; the state then says how far it came. */
export async function runImport(options: ImportOptions): Promise<ImportOutcome> {
  const { clock, statePath } = options;
  const startMs = clock.monotonicMs();
  const file = statePath === undefined ? undefined : new StateFile(statePath, importStateSchema, clock);
  const saved = await savedState(options, file);
  const state = saved ?? freshState(options);
  const before = state.records;
  const isComplete = state.is_complete || (await new Import(options, state, file, saved !== undefined).run());
  return {
    state,
    records: state.records - before,
    seconds: (clock.monotonicMs() - startMs) / 1000,
    isResumed: saved !== undefined,
    isComplete,
  };
}

async function savedState(
  options: ImportOptions,
  file: StateFile<ImportState> | undefined,
): Promise<ImportState | undefined> {
  const saved = await file?.load();
  if (file === undefined || saved === undefined) return undefined;
  if (!options.isResume) {
    if (saved.is_complete) return undefined;
    const message = `${file.path} is of an import that has not ended: --resume goes on with it; delete it to begin anew`;
    throw new DbError('VALIDATION', message);
  }
  checkSame(file.path, saved.run, options.run);
  if (options.importId !== undefined) checkSame(file.path, saved, { import_id: options.importId });
  checkInput(file.path, saved, options.input);
  return saved;
}

/** An input may have grown; what has been read of it must be the same. */
function checkInput(path: string, saved: ImportState, input: ImportInput): void {
  if (saved.input_bytes === null || input.bytesTotal === undefined) return;
  const isSame = input.bytesTotal >= saved.input_bytes && input.headSha256 === saved.input_head_sha256;
  if (isSame) return;
  throw new DbError('VALIDATION', `the input is not the one that ${path} is about: it has been changed`);
}

function freshState({ importId, run, input }: ImportOptions): ImportState {
  const id = importId ?? randomBytes(IMPORT_ID_BYTES).toString('hex');
  return newImportState(id, run, { bytes: input.bytesTotal ?? null, headSha256: input.headSha256 ?? null });
}

class Import {
  private readonly intake: DocumentIntake;
  private readonly pipeline: ImportPipeline;
  /** Ends everything under way when the import fails or is interrupted. */
  private readonly ending = new AbortController();
  private journal: ImportJournal | undefined;
  private batch: Batch;
  private isOverRejects = false;

  constructor(
    private readonly options: ImportOptions,
    private readonly state: ImportState,
    private readonly file: StateFile<ImportState> | undefined,
    isResumed: boolean,
  ) {
    this.intake = new DocumentIntake(state.import_id, options.idField);
    this.batch = new Batch(state.next);
    const signal = AbortSignal.any([this.ending.signal, options.signal]);
    const patience = new Patience(options.retryForMs, options.clock, signal, options.onRetry);
    const { server, collection, durability } = options;
    const settings = { collection, createOnly: options.mode === 'create', durability, isResumed };
    const sender = server === undefined ? undefined : new BulkSender(server, settings, patience, signal);
    this.pipeline = new ImportPipeline(
      {
        send: (batch) => sender?.send(batch) ?? pretend(batch),
        enter: (batch) => this.enter(batch),
      },
      options.parallel,
    );
  }

  /** False when too many were rejected. */
  async run(): Promise<boolean> {
    const { options, state } = this;
    const records = await options.input.records(state.next, state.columns ?? undefined);
    const columns = (): readonly string[] | undefined => options.input.columns;
    const { rejectsPath, onReject } = options;
    this.journal = await ImportJournal.open(state, this.file, rejectsPath, columns, onReject);
    let isComplete = false;
    try {
      await this.readAll(records);
      isComplete = !this.isOverRejects;
    } finally {
      this.ending.abort();
      await this.journal.close(isComplete);
    }
    return isComplete;
  }

  /** What has been read is sent and entered, also when reading on fails. */
  private async readAll(records: RecordStream): Promise<void> {
    try {
      for await (const some of records) {
        for (const record of some) await this.take(record);
        this.options.signal.throwIfAborted();
        if (this.isOverRejects) break;
      }
    } finally {
      await this.dispatch();
      await this.pipeline.drain();
    }
  }

  private async take(record: InputRecord): Promise<void> {
    if (this.isOverRejects) return;
    const fault = record.document === undefined ? record.fault : await this.accept(record, record.document);
    if (fault !== undefined) {
      const isCut = record.fault?.code === 'RECORD_TOO_LARGE';
      this.batch.addReject(rejectOf(record.at, fault.code, fault.message, record.raw, isCut));
    }
    this.batch.next = record.next;
    const { count, bodyBytes, rejects } = this.batch;
    this.isOverRejects = this.state.rejected + rejects.length > this.options.rejectsMax;
    const isFull =
      count >= this.options.batchSize || bodyBytes >= BATCH_BYTES || rejects.length >= BATCH_REJECTS;
    if (isFull) await this.dispatch();
  }

  private async accept(record: InputRecord, document: Uint8Array): Promise<InputRecord['fault']> {
    const { intake } = this;
    let start = this.batch.bodyBytes;
    const fault = intake.accept(document, record.at.line, this.batch.body);
    if (fault !== undefined) return fault;
    if (this.batch.has(intake.id)) {
      // One `_id` twice in a request: which of the two stays would depend on retries.
      this.batch.body.length = start;
      await this.dispatch();
      start = 0;
      intake.accept(document, record.at.line, this.batch.body);
    }
    this.batch.addDocument(intake.id, start, record.at);
    return undefined;
  }

  private async dispatch(): Promise<void> {
    const { batch } = this;
    if (batch.records === 0) return;
    this.batch = new Batch(batch.next);
    await this.pipeline.dispatch(batch);
  }

  private async enter(batch: Batch): Promise<void> {
    await this.journal?.enter(batch);
    if (this.state.rejected > this.options.rejectsMax) this.isOverRejects = true;
    this.options.onProgress(this.state);
  }
}

/** What a dry run does in place of sending. */
async function pretend(batch: Batch): Promise<void> {
  batch.written = batch.count;
}
