/** What the comparison asks of a database, whichever it is. */
import type { ChildProcess } from '../child-process.js';
import type { ComparedRow } from './answers.js';
import type { Comparison } from './comparisons.js';

export const PEER_NAMES = ['lumadb', 'postgres'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface SqlPeer {
  readonly name: PeerName;
  readonly port: number;
  readonly process: ChildProcess;
  /** Brings documents and indexes in, until all of them are in tables on disk and nothing is left to be done. */
  load(documents: number, onProgress: (share: number) => void): Promise<void>;
  rows(comparison: Comparison, params: readonly (string | number)[]): Promise<readonly ComparedRow[]>;
  stop(): Promise<void>;
}
