/** Makes one piece after the other: each within its time and its size, without secrets, and never with an exception. */
import type { Clock } from '../../base/clock.js';
import type { Piece, PieceContent, PieceOutcome } from './piece.js';
import type { Redactor } from './redactor.js';

/** More text than this of one piece is left out. */
export const PIECE_BYTES_MAX = 16 * 1024 * 1024;
/** For each further piece from a server that has let us wait once. */
const IMPATIENT_MS = 2000;

export interface PieceRunnerOptions {
  readonly redactor: Pick<Redactor, 'json' | 'text'>;
  readonly clock: Clock;
  /** It has let us wait already. */
  readonly isServerSlow: boolean;
  /** Takes a file of the archive. */
  readonly onFile: (name: string, bytes: Uint8Array) => void;
  readonly onOutcome: (outcome: PieceOutcome) => void;
}

export class PieceRunner {
  readonly outcomes: PieceOutcome[] = [];
  private isServerSlow: boolean;

  constructor(private readonly options: PieceRunnerOptions) {
    this.isServerSlow = options.isServerSlow;
  }

  async run(piece: Piece): Promise<void> {
    const { redactor, clock, onFile, onOutcome } = this.options;
    const started_at = new Date(clock.wallMs()).toISOString();
    const startMs = clock.monotonicMs();
    const outcome = (state: PieceOutcome['state'], bytes: number): PieceOutcome => ({
      name: piece.name,
      state,
      bytes,
      ms: Math.round(clock.monotonicMs() - startMs),
      started_at,
    });
    let done: PieceOutcome;
    try {
      const { text, note } = await this.made(piece);
      const bounded = cut(text);
      const shown = piece.name.endsWith('.json') ? redactor.json(bounded.text) : redactor.text(bounded.text);
      const bytes = Buffer.from(shown);
      onFile(piece.name, bytes);
      const notes = [note, bounded.note].filter((each) => each !== undefined).join('; ');
      done = { ...outcome('ok', bytes.length), ...(notes === '' ? {} : { note: notes }) };
    } catch (error) {
      const reason = redactor.text(error instanceof Error ? error.message : String(error));
      const bytes = Buffer.from(`${reason}\n`);
      onFile(`${piece.name}.failed.txt`, bytes);
      done = { ...outcome('failed', bytes.length), reason };
    }
    this.outcomes.push(done);
    onOutcome(done);
  }

  /** What comes after the limit counts for nothing. */
  private async made(piece: Piece): Promise<PieceContent> {
    const isImpatient = piece.source === 'server' && this.isServerSlow;
    const limitMs = isImpatient ? Math.min(IMPATIENT_MS, piece.limitMs) : piece.limitMs;
    const abort = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => {
        if (piece.source === 'server') this.isServerSlow = true;
        abort.abort();
        reject(new Error(`not done within ${limitMs} ms`));
      }, limitMs);
    });
    try {
      return await Promise.race([piece.make(abort.signal), late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

function cut(text: string): PieceContent {
  // A character takes up to 3 bytes of UTF-8; counting them all would need the whole once more.
  const lengthMax = PIECE_BYTES_MAX / 2;
  if (text.length <= lengthMax) return { text };
  return { text: text.slice(0, lengthMax), note: `cut after ${lengthMax} of ${text.length} characters` };
}
