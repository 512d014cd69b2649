/** One file of a diagnostic archive before it is made, and what became of it. */

export interface Piece {
  /** Its path in the archive; with the ending .json it is JSON. */
  readonly name: string;
  /** Who it is asked of: after a server that lets us wait, the server is given less time. */
  readonly source: 'server' | 'machine';
  readonly limitMs: number;
  /** Rejects with the reason why there is none. `signal`: nobody waits for it any more. */
  make(signal: AbortSignal): Promise<PieceContent> | PieceContent;
}

export interface PieceContent {
  /** May hold secrets: the runner takes them out. */
  readonly text: string;
  /** What is left out of it, when something is. */
  readonly note?: string;
}

export interface PieceOutcome {
  readonly name: string;
  readonly state: 'ok' | 'failed';
  /** In the archive. */
  readonly bytes: number;
  readonly ms: number;
  /** ISO 8601. */
  readonly started_at: string;
  /** Why it failed. */
  readonly reason?: string;
  readonly note?: string;
}

export const jsonPiece = (value: unknown): PieceContent => ({ text: JSON.stringify(value) });
