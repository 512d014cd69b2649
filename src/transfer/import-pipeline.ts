/**
 * Batches on their way: so many at a time are sent, and they are entered into the journal in the order of the input.
 * Two batches with a document of the same `_id` are never under way together, so that the last line wins.
 */
import type { Batch } from './batch.js';

export interface PipelineSteps {
  /** Settles every document of the batch; throws what ends the import. */
  send(batch: Batch): Promise<void>;
  /** Called in order, one at a time. */
  enter(batch: Batch): Promise<void>;
}

interface Entry {
  readonly batch: Batch;
  readonly entered: Promise<void>;
}

export class ImportPipeline {
  /** Oldest first. */
  private readonly underWay: Entry[] = [];
  private last: Promise<void> = Promise.resolve();

  constructor(
    private readonly steps: PipelineSteps,
    private readonly parallel: number,
  ) {}

  /** Resolves when the batch has been sent off. Throws what made an earlier one fail. */
  async dispatch(batch: Batch): Promise<void> {
    while (this.underWay.length >= this.parallel || this.overlaps(batch)) {
      await this.underWay[0].entered;
      this.underWay.shift();
    }
    const sent = this.steps.send(batch);
    const entered = this.enterAfter(this.last, sent, batch);
    // Whoever comes next throws it; until then nobody listens.
    entered.catch(() => {});
    this.last = entered;
    this.underWay.push({ batch, entered });
  }

  /** Resolves when everything is entered. */
  async drain(): Promise<void> {
    await this.last;
    this.underWay.length = 0;
  }

  private async enterAfter(before: Promise<void>, sent: Promise<void>, batch: Batch): Promise<void> {
    // Both at once: a batch that fails while it waits for its turn must not go unheard.
    await Promise.all([before, sent]);
    await this.steps.enter(batch);
  }

  private overlaps(batch: Batch): boolean {
    return this.underWay.some(({ batch: other }) => batch.ids.some((id) => other.has(id)));
  }
}
