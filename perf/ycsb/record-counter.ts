/** Numbers of records that exist: those below `limit` were all acknowledged, so that whoever asks for one must get it. */
export class RecordCounter {
  private nextNumber: number;
  private readonly acknowledgedAhead = new Set<number>();

  constructor(public limit: number) {
    this.nextNumber = limit;
  }

  /** The number of a record that is about to be inserted. */
  next(): number {
    return this.nextNumber++;
  }

  /** Answers overtake each other: the limit rises when everything below it is there. */
  acknowledge(number: number): void {
    this.acknowledgedAhead.add(number);
    while (this.acknowledgedAhead.delete(this.limit)) this.limit++;
  }
}
