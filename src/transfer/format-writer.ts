/** What an export needs of each format. Documents go in, blocks of the file come out. */

/** Why a document cannot be written in this format with these columns. */
export interface Misfit {
  readonly code: 'UNKNOWN_FIELD' | 'BAD_TYPE';
  readonly message: string;
}

export interface FormatWriter {
  /** Copies what it needs of the document; or says why not, and leaves it out. */
  add(document: Buffer): Misfit | undefined;
  /** A block is ready to be taken. */
  readonly isBlockFull: boolean;
  /** What has been added since the last block; the block ends between two documents. */
  takeBlock(): Uint8Array;
  /** The last block, with all that has to follow the last document. */
  end(): Uint8Array;
  /** What a writer needs, besides its columns, to go on behind the last block; undefined: nothing. */
  memento(): string | undefined;
}

/** Text is written in blocks of about this size. With compression each is a member of its own, at some cost in size. */
export const BLOCK_BYTES = 1024 * 1024;
/** One more document than that. */
export const BLOCK_BYTES_MAX = BLOCK_BYTES + 64 * 1024 * 1024;
