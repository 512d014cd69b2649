/**
 * Collects what has run on this front and hands it to the main thread now and then: the log of queries costs the thread that
 * answers them an object, not a system call. Front thread only.
 */
import type { QueryRecord } from '../../admin/query-record.js';

const INTERVAL_MS = 100;
/** Records that are handed over at once; more of them do not wait for the timer. */
const BATCH_MAX = 1000;
/** Batches that the main thread has not taken yet. A statement is answered in less time than its record takes there. */
const BATCHES_AHEAD_MAX = 8;
/** Longest text that is kept of a statement; its error has been cut already (service.ts). */
const QUERY_LENGTH_MAX = 10_000;

export class QueryRecorder {
  private records: QueryRecord[] = [];
  private timer: NodeJS.Timeout | undefined;
  private batchesAhead = 0;

  /** `deliver` resolves when the main thread has taken a batch; `onDropped`: so many records are not going to be taken. */
  constructor(
    private readonly deliver: (records: readonly QueryRecord[]) => Promise<void>,
    private readonly onDropped: (count: number) => void,
  ) {}

  add(record: QueryRecord): void {
    this.records.push(record.query.length > QUERY_LENGTH_MAX ? shortened(record) : record);
    if (this.records.length >= BATCH_MAX) this.flush();
    else this.timer ??= setTimeout(() => this.flush(), INTERVAL_MS);
  }

  flush(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const { records } = this;
    if (records.length === 0) return;
    this.records = [];
    // Statements go on when the log cannot keep up with them; memory must not.
    if (this.batchesAhead === BATCHES_AHEAD_MAX) {
      this.onDropped(records.length);
      return;
    }
    this.batchesAhead++;
    const taken = (): void => {
      this.batchesAhead--;
    };
    // The server is going down when this fails.
    this.deliver(records).then(taken, taken);
  }
}

function shortened(record: QueryRecord): QueryRecord {
  const cut = (text: string): string =>
    text.length <= QUERY_LENGTH_MAX ? text : `${text.slice(0, QUERY_LENGTH_MAX)}…`;
  return { ...record, query: cut(record.query), pattern: cut(record.pattern) };
}
