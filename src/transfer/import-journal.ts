/**
 * What an import leaves behind on disk: the file of rejects and the state. Batches are entered in the order of the input
 * and only when everything in them is settled, so the state never vouches for a record that may be lost, and the file
 * of rejects is in order of lines.
 */
import { assert } from '../base/assert.js';
import type { Batch } from './batch.js';
import { GrowingFile } from './files.js';
import type { ImportState } from './import-state.js';
import { type Reject, rejectLine } from './reject-file.js';
import type { StateFile } from './state-file.js';

export class ImportJournal {
  private rejects: GrowingFile | undefined;

  private constructor(
    readonly state: ImportState,
    private readonly file: StateFile<ImportState> | undefined,
    private readonly columns: () => readonly string[] | undefined,
    private readonly onReject: (reject: Reject) => void,
  ) {}

  static async open(
    state: ImportState,
    file: StateFile<ImportState> | undefined,
    rejectsPath: string | undefined,
    columns: () => readonly string[] | undefined,
    onReject: (reject: Reject) => void,
  ): Promise<ImportJournal> {
    const journal = new ImportJournal(state, file, columns, onReject);
    if (rejectsPath !== undefined) journal.rejects = await GrowingFile.open(rejectsPath, state.rejects_bytes);
    // Before anything is sent: what is sent has ids that are made of the import's own.
    await journal.save();
    return journal;
  }

  async enter(batch: Batch): Promise<void> {
    const { state } = this;
    assert(batch.next.offset >= state.next.offset, 'a batch is entered out of order');
    batch.rejects.sort((a, b) => a.at.line - b.at.line || a.at.offset - b.at.offset);
    for (const reject of batch.rejects) this.onReject(reject);
    if (this.rejects !== undefined && batch.rejects.length > 0) {
      await this.rejects.append(Buffer.from(batch.rejects.map(rejectLine).join('')));
      state.rejects_bytes = this.rejects.bytes;
    }
    state.records += batch.records;
    state.written += batch.written;
    state.found += batch.found;
    state.rejected += batch.rejects.length;
    state.next = batch.next;
    if (this.file?.isDue) await this.save();
  }

  async close(isComplete: boolean): Promise<void> {
    this.state.is_complete = isComplete;
    await this.save();
    await this.rejects?.close();
    this.rejects = undefined;
  }

  private async save(): Promise<void> {
    this.state.columns = this.columns()?.slice() ?? this.state.columns;
    // First what the state vouches for.
    await this.rejects?.sync();
    await this.file?.save(this.state);
  }
}
