/**
 * Where an export goes. A file is written as FILE.part, with FILE.part.state beside it, and gets its name when it is
 * whole: whoever sees FILE sees all of it. Standard output has neither.
 */
import { once } from 'node:events';
import type { Writable } from 'node:stream';
import type { Clock } from '../base/clock.js';
import { type ExportState, exportStateSchema } from './export-state.js';
import { GrowingFile, publishFile, removeFile } from './files.js';
import { StateFile } from './state-file.js';

export interface ExportOutput {
  /** Undefined: an export cannot go on here. */
  load(): Promise<ExportState | undefined>;
  /** Writes behind `state.bytes` and counts it there. */
  write(bytes: Uint8Array, state: ExportState): Promise<void>;
  /** Everything written so far counts; not more often than is useful. */
  checkpoint(state: ExportState, syncOthers: () => Promise<void>): Promise<void>;
  /** The last checkpoint, however recent the one before. Nothing when nothing was written. */
  leave(state: ExportState): Promise<void>;
  publish(state: ExportState): Promise<void>;
}

export class FileOutput implements ExportOutput {
  private readonly part: string;
  private readonly stateFile: StateFile<ExportState>;
  private file: GrowingFile | undefined;

  constructor(
    private readonly path: string,
    clock: Clock,
  ) {
    this.part = `${path}.part`;
    this.stateFile = new StateFile(`${this.part}.state`, exportStateSchema, clock);
  }

  get statePath(): string {
    return this.stateFile.path;
  }

  load(): Promise<ExportState | undefined> {
    return this.stateFile.load();
  }

  async write(bytes: Uint8Array, state: ExportState): Promise<void> {
    this.file ??= await this.open(state);
    await this.file.append(bytes);
    state.bytes = this.file.bytes;
  }

  async checkpoint(state: ExportState, syncOthers: () => Promise<void>): Promise<void> {
    if (!this.stateFile.isDue) return;
    await syncOthers();
    await this.file?.sync();
    await this.stateFile.save(state);
  }

  async leave(state: ExportState): Promise<void> {
    const { file } = this;
    if (file === undefined) return;
    this.file = undefined;
    await file.sync();
    await file.close();
    await this.stateFile.save(state);
  }

  async publish(state: ExportState): Promise<void> {
    const file = this.file ?? (await this.open(state));
    this.file = undefined;
    await file.sync();
    await file.close();
    await publishFile(this.part, this.path);
    await removeFile(this.stateFile.path);
  }

  private async open(state: ExportState): Promise<GrowingFile> {
    // A state of an earlier run does not vouch for what this one writes.
    if (state.bytes === 0) await removeFile(this.stateFile.path);
    return GrowingFile.open(this.part, state.bytes);
  }
}

export class StreamOutput implements ExportOutput {
  constructor(private readonly stream: Writable) {}

  async load(): Promise<undefined> {}

  async write(bytes: Uint8Array, state: ExportState): Promise<void> {
    state.bytes += bytes.length;
    // At the reader's pace: what it does not take is not read from the server.
    if (!this.stream.write(bytes)) await once(this.stream, 'drain');
  }

  async checkpoint(): Promise<void> {}

  async leave(): Promise<void> {}

  async publish(): Promise<void> {}
}
