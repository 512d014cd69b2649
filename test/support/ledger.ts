/**
 * The ledger of acknowledged writes. Documents describe themselves: `{"n":version,"pad":...,"sum":hash}`, where `sum`
 * covers key, version and padding, so a torn or mixed-up value is recognised without knowing what was written.
 */
import { createHash } from 'node:crypto';

export interface WrittenDocument {
  readonly _id: string;
  readonly n: number;
  readonly pad: string;
  readonly sum: string;
}

/** Of a load process, each with keys of its own. */
export const HTTP_WRITERS = 8;
export const SOCKET_WRITERS = 24;

const PAD_LENGTHS = [0, 20, 150, 1500, 30_000];

const sumOf = (key: string, n: number, pad: string): string =>
  createHash('sha256').update(`${key}/${n}/${pad}`).digest('base64url').slice(0, 16);

/** The document of version `n` of a key; its size varies with the version. */
export function makeDocument(key: string, n: number): WrittenDocument {
  const length = PAD_LENGTHS[(n * 7 + key.length) % PAD_LENGTHS.length];
  const pad = String(n % 10).repeat(length);
  return { _id: key, n, pad, sum: sumOf(key, n, pad) };
}

/** One acknowledged write, as the load process reports it. */
export interface Acknowledged {
  readonly key: string;
  readonly n: number;
  readonly seqno: number;
}

/** What the load process was about to write: an unanswered write may be found, one that was never tried may not. */
export interface Attempted {
  readonly key: string;
  readonly n: number;
}

export class Ledger {
  private readonly acknowledged = new Map<string, Acknowledged>();
  private readonly attempted = new Map<string, number>();
  private seqnoMax = 0;
  count = 0;

  noteAttempt({ key, n }: Attempted): void {
    this.attempted.set(key, Math.max(n, this.attempted.get(key) ?? 0));
  }

  noteAcknowledged(entry: Acknowledged): void {
    this.count++;
    this.seqnoMax = Math.max(this.seqnoMax, entry.seqno);
    const known = this.acknowledged.get(entry.key);
    if (known === undefined || entry.n > known.n) this.acknowledged.set(entry.key, entry);
  }

  /** Highest seqno that was ever acknowledged. */
  get lastSeqno(): number {
    return this.seqnoMax;
  }

  keys(): string[] {
    return [...this.attempted.keys()];
  }

  /** What is wrong with a document that was found under `key` (undefined: none was), or undefined. */
  fault(key: string, found: { document: WrittenDocument; seqno: number } | undefined): string | undefined {
    const known = this.acknowledged.get(key);
    if (found === undefined) {
      return known === undefined ? undefined : `${key}: acknowledged version ${known.n} is lost`;
    }
    const { document, seqno } = found;
    const { n, pad, sum } = document;
    if (document._id !== key || sum !== sumOf(key, n, pad))
      return `${key}: torn value ${JSON.stringify(document)}`;
    if (n > (this.attempted.get(key) ?? 0)) return `${key}: version ${n} was never written`;
    if (known === undefined) return undefined;
    if (n < known.n) return `${key}: version ${n} is back, ${known.n} was acknowledged`;
    if (seqno < known.seqno) return `${key}: seqno ${seqno} is below the acknowledged ${known.seqno}`;
    return undefined;
  }
}
