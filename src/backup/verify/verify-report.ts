/** What a verification of backups found. Bounded, so that a store full of damage ends in a report. */

export interface VerifyFinding {
  /** The folder of the backup it is about. */
  readonly backup: string;
  /** Null when it is about the backup as a whole. */
  readonly object: string | null;
  /** Byte of the object as it is stored; null when it is about the object as a whole. */
  readonly offset: number | null;
  readonly reason: string;
}

export const FINDINGS_MAX = 1000;

export class VerifyFindings {
  readonly kept: VerifyFinding[] = [];
  count = 0;

  /** Found and not kept. */
  get omitted(): number {
    return this.count - this.kept.length;
  }

  add(backup: string, object: string | null, reason: string, offset: number | null = null): void {
    this.count++;
    if (this.kept.length < FINDINGS_MAX) this.kept.push({ backup, object, offset, reason });
  }
}

export interface VerifyReport {
  /** From the newest to the full one; empty when not even the first could be read. */
  readonly chain: readonly { readonly name: string; readonly type: string; readonly seqno: number }[];
  readonly objects: number;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly findings: readonly VerifyFinding[];
  /** Found and not listed. */
  readonly omitted: number;
}
