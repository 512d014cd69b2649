/** One line on the terminal that says what is being measured; silent elsewhere. */
const CLEAR_LINE = '\r\x1b[2K';

export class ProgressLine {
  private done = 0;
  private readonly startMs = performance.now();

  constructor(private readonly steps: number) {}

  /** A step begins. */
  next(what: string): void {
    const seconds = Math.round((performance.now() - this.startMs) / 1000);
    this.write(`${CLEAR_LINE}[${++this.done}/${this.steps}] ${what}  (${seconds} s)`);
  }

  clear(): void {
    this.write(CLEAR_LINE);
  }

  private write(text: string): void {
    if (process.stderr.isTTY) process.stderr.write(text);
  }
}
