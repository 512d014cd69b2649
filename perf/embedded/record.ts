/** One run of the embedded comparison, as it is kept in perf/history.ndjson, and its ratios. */
import { median } from '../figures.js';
import type { RecordHead } from '../record.js';
import { REFERENCE_ENGINE } from './engines.js';
import { COMPARISONS, type Comparison, type EngineFigures } from './figures.js';
import type { EmbeddedOptions } from './options.js';

export interface EngineRatio {
  readonly engine: string;
  /** What is compared, a title of COMPARISONS with that of its group. */
  readonly name: string;
  /** The engine's figure by the reference's, taken within a round; the median of the rounds. */
  readonly value: number;
}

export interface EmbeddedRecord extends RecordHead {
  readonly kind: 'embedded';
  readonly configuration: Omit<EmbeddedOptions, 'json' | 'history'>;
  readonly warnings: readonly string[];
  readonly ratios: readonly EngineRatio[];
  readonly rounds: readonly (readonly EngineFigures[])[];
}

export type EngineRounds = EmbeddedRecord['rounds'];

/** The median over the rounds; undefined where an engine has no such figure. */
export function medianOf(rounds: EngineRounds, engine: string, of: Comparison['of']): number | undefined {
  const values = rounds.flatMap((round) => {
    const figures = round.find((candidate) => candidate.engine === engine);
    return (figures && of(figures)) ?? [];
  });
  return values.length === 0 ? undefined : median(values);
}

export function ratioOf(rounds: EngineRounds, engine: string, of: Comparison['of']): number | undefined {
  const values = rounds.flatMap((round) => {
    const own = round.find((candidate) => candidate.engine === engine);
    const reference = round.find((candidate) => candidate.engine === REFERENCE_ENGINE);
    const [above, below] = [own && of(own), reference && of(reference)];
    return above === undefined || below === undefined || below === 0 ? [] : above / below;
  });
  return values.length === 0 ? undefined : median(values);
}

/** Ratios of every other engine to LevelDB. */
export function ratiosOf(rounds: EngineRounds, engines: readonly string[]): EngineRatio[] {
  return engines
    .filter((engine) => engine !== REFERENCE_ENGINE)
    .flatMap((engine) => {
      let group = '';
      return COMPARISONS.flatMap(({ title, of }) => {
        if (!title.startsWith(' ')) group = title;
        const value = ratioOf(rounds, engine, of);
        const name = title === group ? title : `${group.split(',')[0]}: ${title.trim()}`;
        return value === undefined ? [] : { engine, name, value };
      });
    });
}
