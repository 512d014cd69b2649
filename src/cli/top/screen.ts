/**
 * The terminal of `lumadb top`: the alternate screen, drawn over in place, and keys. Whatever ends the process, the
 * terminal is as it was before: close() runs on exit as well. Knows nothing of figures.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Line, Painter } from './line.js';

/** Alternate screen, no cursor, and no automatic wrap: a character wider than we think must not shift the lines below. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE = '\x1b[?7h\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_TO_LINE_END = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
/** Ctrl-C is a key in raw mode, no signal. */
const QUIT_KEYS: readonly string[] = ['q', 'Q', '\x03'];
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Of a terminal that does not tell its size. */
const ROOM_DEFAULT = { width: 80, height: 24 };

export interface ScreenOptions {
  readonly input: ReadStream;
  readonly output: WriteStream;
  readonly paint: Painter;
  /** A key or a signal wants the end. May be called more than once. */
  readonly onQuit: () => void;
  /** The size has changed: draw again. */
  readonly onResize: () => void;
}

export class Screen {
  private isOpen = false;
  private readonly closeOnExit = (): void => this.close();
  private readonly onKey = (keys: Buffer): void => {
    if ([...keys.toString('latin1')].some((key) => QUIT_KEYS.includes(key))) this.options.onQuit();
  };

  constructor(private readonly options: ScreenOptions) {}

  get room(): { width: number; height: number } {
    const { columns, rows } = this.options.output;
    return { width: columns || ROOM_DEFAULT.width, height: rows || ROOM_DEFAULT.height };
  }

  open(): void {
    const { input, output, onQuit, onResize } = this.options;
    this.isOpen = true;
    process.once('exit', this.closeOnExit);
    for (const signal of SIGNALS) process.on(signal, onQuit);
    output.on('resize', onResize);
    // Keys come from a terminal only: standard input may be something else.
    if (input.isTTY) {
      input.setRawMode(true);
      input.on('data', this.onKey);
    }
    output.write(ENTER);
  }

  /** Draws over what is there, in one write so that no half picture is seen. */
  draw(lines: readonly Line[]): void {
    if (!this.isOpen) return;
    const { output, paint } = this.options;
    const text = lines.map((line) => `${paint(line)}${CLEAR_TO_LINE_END}`).join('\r\n');
    output.write(`${HOME}${text}${CLEAR_BELOW}`);
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    const { input, output, onQuit, onResize } = this.options;
    output.write(LEAVE);
    if (input.isTTY) {
      input.off('data', this.onKey);
      input.setRawMode(false);
      input.pause();
    }
    output.off('resize', onResize);
    for (const signal of SIGNALS) process.off(signal, onQuit);
    process.off('exit', this.closeOnExit);
  }
}
