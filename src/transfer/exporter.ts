/** An export from its first document to its summary. What it is made of has files of its own; this one joins them. */
import type { Clock } from '../base/clock.js';
import { DbError } from '../base/errors.js';
import { LumaDbError } from '../client/error.js';
import type { DocumentPredicate } from '../json/filter.js';
import { compressBlock } from './compress.js';
import type { ExportOutput } from './export-output.js';
import { type ExportColumn, type ExportState, newExportState } from './export-state.js';
import { GrowingFile } from './files.js';
import type { FormatWriter, Misfit } from './format-writer.js';
import type { Compression } from './formats.js';
import { Patience } from './patience.js';
import type { TransferServer } from './server.js';
import { type DocumentRow, rowsOf } from './snapshot-rows.js';
import { checkSame } from './state-file.js';
import type { TableShape } from './table-shape.js';

/** Documents that are looked at before the columns are settled take at most this much memory. */
const SAMPLE_BYTES_MAX = 16 * 1024 * 1024;

export interface ExportOptions {
  readonly collection: string;
  readonly server: TransferServer;
  readonly output: ExportOutput;
  /** What a resumed run must have in common with the one before. */
  readonly run: Readonly<Record<string, unknown>>;
  readonly isResume: boolean;
  readonly compression: Compression;
  /** Documents by which columns are settled: that many, or all of them in a pass of its own. */
  readonly sample: number | 'all';
  /** Undefined for formats without columns. */
  readonly shape: TableShape | undefined;
  /** Makes the writer once the columns are known; `state` says what an earlier run has written. */
  readonly openWriter: (state: ExportState) => Promise<FormatWriter>;
  readonly filter: DocumentPredicate | undefined;
  readonly where: string | undefined;
  readonly limit: number | undefined;
  /** Undefined: a document that does not fit ends the export. */
  readonly rejectsPath: string | undefined;
  /** A lost connection ends the export, which otherwise goes on at a later snapshot. */
  readonly isOneSnapshot: boolean;
  readonly retryForMs: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly onProgress: (state: ExportState) => void;
  readonly onRetry: (error: LumaDbError) => void;
}

export interface ExportOutcome {
  readonly state: ExportState;
  /** Of this run. */
  readonly documents: number;
  readonly seconds: number;
  readonly isResumed: boolean;
}

/** Throws what ended it before its time; the part file and its state then stay where they are. */
export async function runExport(options: ExportOptions): Promise<ExportOutcome> {
  const { clock, output, isResume } = options;
  const startMs = clock.monotonicMs();
  const saved = isResume ? await output.load() : undefined;
  if (saved !== undefined) checkSame('the state', saved.run, options.run);
  const state = saved ?? newExportState(options.run);
  const before = state.documents;
  await new Export(options, state).run();
  return {
    state,
    documents: state.documents - before,
    seconds: (clock.monotonicMs() - startMs) / 1000,
    isResumed: saved !== undefined,
  };
}

class Export {
  private readonly patience: Patience;
  private writer: FormatWriter | undefined;
  private rejects: GrowingFile | undefined;
  /** Documents that wait for the columns. */
  private sample: Buffer[] = [];
  private sampleBytes = 0;
  /** Of the last document that was looked at, written or not. */
  private lastId: string | undefined;
  /** As of the last block: what the state may say. */
  private readonly counted = { documents: 0, rejected: 0 };

  constructor(
    private readonly options: ExportOptions,
    private readonly state: ExportState,
  ) {
    this.patience = new Patience(options.retryForMs, options.clock, options.signal, options.onRetry);
    this.lastId = state.cursor ?? undefined;
    this.counted.documents = state.documents;
    this.counted.rejected = state.rejected;
  }

  async run(): Promise<void> {
    const { options, state } = this;
    try {
      await this.prepare();
      await this.eachDocument((row) => this.take(row));
      await this.finish();
    } catch (error) {
      await options.output.leave(state);
      throw explain(error, options.collection);
    } finally {
      await this.rejects?.close();
    }
  }

  private async prepare(): Promise<void> {
    const { options, state } = this;
    if (options.rejectsPath !== undefined) {
      this.rejects = await GrowingFile.open(options.rejectsPath, state.rejects_bytes);
    }
    const { shape } = options;
    if (shape === undefined || state.columns !== null) this.writer = await options.openWriter(state);
    else if (options.sample === 'all' || shape.isSettled) {
      // Documents that are written in between are looked at again, and may not fit.
      if (!shape.isSettled) {
        await this.eachDocument(async ({ document }) => {
          shape.observe(document);
          return true;
        });
        this.lastId = undefined;
        state.snapshots = 0;
      }
      await this.settle(shape.columns());
    }
  }

  /** Calls `take` for each document in order of `_id` until it returns false. */
  private async eachDocument(take: (row: DocumentRow) => Promise<boolean>): Promise<void> {
    const { server, collection, where, signal, isOneSnapshot } = this.options;
    for (let attempt = 0; ; attempt++) {
      this.state.snapshots++;
      try {
        const selection = { after: this.lastId, where, limit: this.rowsMax() };
        for await (const rows of rowsOf(server, collection, selection, signal)) {
          for (const row of rows) if (!(await take(row))) return;
          this.lastId = rows[rows.length - 1].id();
          this.patience.succeeded();
          attempt = 0;
        }
        return;
      } catch (error) {
        if (isOneSnapshot || !(error instanceof LumaDbError)) throw error;
        await this.patience.wait(error, attempt);
      }
    }
  }

  /** Documents that the server need not look beyond. */
  private rowsMax(): number | undefined {
    const { limit, filter, rejectsPath } = this.options;
    if (limit === undefined || filter !== undefined || rejectsPath !== undefined) return undefined;
    return limit - this.counted.documents - this.sample.length;
  }

  private async take(row: DocumentRow): Promise<boolean> {
    const { filter, limit = Number.POSITIVE_INFINITY } = this.options;
    const { document } = row;
    if (this.counted.documents + this.sample.length >= limit) return false;
    if (filter !== undefined && !filter(document, 0, document.length)) return true;
    if (this.writer === undefined) await this.keep(document);
    else await this.write(this.writer, document);
    return true;
  }

  private async keep(document: Buffer): Promise<void> {
    const { shape, sample } = this.options;
    shape?.observe(document);
    this.sample.push(Buffer.from(document));
    this.sampleBytes += document.length;
    const isEnough = this.sample.length >= Number(sample) || this.sampleBytes >= SAMPLE_BYTES_MAX;
    if (isEnough) await this.settle(shape?.columns() ?? []);
  }

  /** The columns are known: what has waited for them is written. */
  private async settle(columns: readonly ExportColumn[]): Promise<void> {
    this.state.columns = [...columns];
    this.writer = await this.options.openWriter(this.state);
    const waiting = this.sample;
    this.sample = [];
    for (const document of waiting) await this.write(this.writer, document);
  }

  private async write(writer: FormatWriter, document: Buffer): Promise<void> {
    const misfit = writer.add(document);
    if (misfit === undefined) this.counted.documents++;
    else await this.reject(document, misfit);
    if (writer.isBlockFull) await this.writeBlock(writer.takeBlock(), document);
  }

  private async reject(document: Buffer, misfit: Misfit): Promise<void> {
    const text = document.toString('utf8');
    const { _id } = JSON.parse(text) as { _id: string };
    if (this.rejects === undefined) {
      const advice =
        '--sample all looks at every document first, --fields chooses, --rejects FILE sets it aside';
      throw new DbError(
        'VALIDATION',
        `document ${JSON.stringify(_id)} does not fit: ${misfit.message} (${advice})`,
      );
    }
    this.counted.rejected++;
    const { code, message } = misfit;
    await this.rejects.append(Buffer.from(`${JSON.stringify({ _id, code, message, record: text })}\n`));
  }

  private async writeBlock(block: Uint8Array, last: Buffer): Promise<void> {
    const { output } = this.options;
    const bytes = await compressBlock(block, this.options.compression);
    await output.write(bytes, this.state);
    const { _id } = JSON.parse(last.toString('utf8')) as { _id: string };
    this.count(_id);
    await output.checkpoint(this.state, async () => this.rejects?.sync());
    this.options.onProgress(this.state);
    this.options.signal.throwIfAborted();
  }

  private async finish(): Promise<void> {
    const { options, state } = this;
    if (this.writer === undefined) await this.settle(options.shape?.columns() ?? []);
    const block = this.writer?.end() ?? new Uint8Array(0);
    await options.output.write(await compressBlock(block, options.compression), state);
    this.count(state.cursor);
    await this.rejects?.sync();
    await options.output.publish(state);
  }

  /** The state says the same as the file. */
  private count(cursor: string | null): void {
    const { state } = this;
    state.documents = this.counted.documents;
    state.rejected = this.counted.rejected;
    state.rejects_bytes = this.rejects?.bytes ?? 0;
    state.cursor = cursor;
    state.writer = this.writer?.memento() ?? null;
  }
}

function explain(error: unknown, collection: string): unknown {
  if (!(error instanceof LumaDbError) || error.details?.['sqlstate'] !== '42P01') return error;
  return new DbError('NOT_FOUND', `there is no collection ${collection}`);
}
