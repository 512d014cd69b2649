/** What a client does next, by the definition of a workload. */
import { createPrng } from '../../src/base/prng.js';
import { RecordCounter } from './record-counter.js';
import { OPERATIONS, type Operation, SCAN_RECORDS_MAX, type Workload } from './workloads.js';
import { ScrambledZipfian, SkewedLatest } from './zipfian.js';

export interface Request {
  readonly operation: Operation;
  /** Of the record; for a scan, of the first one. */
  readonly number: number;
  /** Records that a scan asks for; 1 otherwise. */
  readonly count: number;
}

export class RequestSource {
  /** Inserts are to be acknowledged here. */
  readonly records: RecordCounter;
  private readonly prng;
  private readonly zipfian: ScrambledZipfian;
  private readonly latest: SkewedLatest;

  constructor(
    private readonly workload: Workload,
    recordCount: number,
    seed: number,
  ) {
    this.prng = createPrng(seed);
    this.records = new RecordCounter(recordCount);
    this.zipfian = new ScrambledZipfian(recordCount, this.prng);
    this.latest = new SkewedLatest(this.prng);
  }

  next(): Request {
    const operation = this.chooseOperation();
    const count = operation === 'scan' ? 1 + this.prng.nextBelow(SCAN_RECORDS_MAX) : 1;
    return { operation, number: operation === 'insert' ? this.records.next() : this.chooseRecord(), count };
  }

  private chooseOperation(): Operation {
    const { mix } = this.workload;
    let rest = this.prng.nextFloat();
    let last: Operation = 'read';
    for (const operation of OPERATIONS) {
      const share = mix[operation] ?? 0;
      if (share === 0) continue;
      if (rest < share) return operation;
      rest -= share;
      last = operation;
    }
    // Shares of a mix add up to 1 but for rounding.
    return last;
  }

  private chooseRecord(): number {
    return this.workload.requests === 'latest' ? this.latest.next(this.records.limit) : this.zipfian.next();
  }
}
