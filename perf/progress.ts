/** One line on the terminal that says what is being measured; silent elsewhere. */
const CLEAR_LINE = '\r\x1b[2K';

export class ProgressLine {
  private done = 0;
  private what = '';
  private percent = -1;
  private readonly startMs = performance.now();

  constructor(private readonly steps: number) {}

  /** A step begins. */
  next(what: string): void {
    this.what = what;
    this.percent = -1;
    this.done++;
    this.show('');
  }

  /** So much of the step is done, from 0 to 1. */
  share(share: number): void {
    const percent = Math.floor(share * 100);
    if (percent === this.percent) return;
    this.percent = percent;
    this.show(` ${percent} %`);
  }

  clear(): void {
    this.write(CLEAR_LINE);
  }

  private show(more: string): void {
    const seconds = Math.round((performance.now() - this.startMs) / 1000);
    this.write(`${CLEAR_LINE}[${this.done}/${this.steps}] ${this.what}${more}  (${seconds} s)`);
  }

  private write(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(text);
  }
}
