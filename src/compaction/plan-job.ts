/** From a choice of the picker to a job that a compactor thread can carry out. Pure; the shard thread calls it. */
import { assert } from '../base/assert.js';
import type { Version } from '../manifest/version.js';
import type { CompactionJob, FileNumberRange, RetentionInput, TableOptions } from './job-types.js';
import type { CompactionChoice } from './picker-state.js';

/** What an entry takes in a block besides its key and value, at most. */
const ENTRY_OVERHEAD_BYTES_MAX = 40;

export interface JobContext extends RetentionInput {
  readonly shard: number;
  readonly directory: string;
  readonly fileNumbers: FileNumberRange;
  readonly options: TableOptions;
}

/** `version`: the one the choice was made on. The choice is a merge; a move needs no job. */
export function planJob(version: Version, choice: CompactionChoice, context: JobContext): CompactionJob {
  assert(choice.kind === 'merge', 'a move is carried out by the version edit alone');
  const { inputs, outputLevel, smallest, largest } = choice;
  const below = version.levels.slice(outputLevel + 1);
  return {
    kind: 'compact',
    ...context,
    inputs,
    outputLevel,
    isLastLevel: below.every((runs) => runs.length === 0),
    deeper: below.map((runs) => runs.flatMap((run) => run.overlapping(smallest, largest))),
  };
}

/**
 * File numbers to reserve for a job: bytes before compression bound the size of its files, and each table of the next
 * level that the outputs overlap can end one. More than are used; numbers are plenty.
 */
export function compactionFileNumbers(
  version: Version,
  { inputs, outputLevel, smallest, largest }: CompactionChoice,
  { tableSizeBytes }: TableOptions,
): number {
  let bytesMax = 0;
  for (const { tables } of inputs) {
    for (const { rawBytes, entries } of tables) bytesMax += rawBytes + entries * ENTRY_OVERHEAD_BYTES_MAX;
  }
  const grandparents = (version.levels[outputLevel + 1] ?? []).flatMap((run) =>
    run.overlapping(smallest, largest),
  );
  return 1 + Math.ceil(bytesMax / tableSizeBytes) + grandparents.length;
}
