/** How far a long piece of work is, in bytes, told in steps that a progress bar can show. One thread. */

export type OnProgress = (bytesDone: number, bytesTotal: number) => void;

const STEP_BYTES = 256 * 1024;

export class ByteProgress {
  private done = 0;
  private told = 0;

  constructor(
    private readonly total: number,
    private readonly onProgress: OnProgress = () => {},
  ) {}

  add(bytes: number): void {
    this.done = Math.min(this.total, this.done + bytes);
    if (this.done - this.told < STEP_BYTES && this.done < this.total) return;
    this.told = this.done;
    this.onProgress(this.done, this.total);
  }
}
