/**
 * Variance, covariance and regression. Running means and sums of squares after Welford, merged after Chan, Golub and LeVeque:
 * no difference of large sums, so no loss of digits.
 */
import type { SqlNumber } from '../types/numbers.js';
import type { SqlType } from '../types/sql-type.js';
import { functionId } from './define.js';
import type { AggregateDefinition } from './definition.js';

interface Moments {
  count: number;
  mean: number;
  /** Sum of squared distances from the mean. */
  squares: number;
}

function accumulate(state: Moments, value: number): Moments {
  state.count++;
  const distance = value - state.mean;
  state.mean += distance / state.count;
  state.squares += distance * (value - state.mean);
  return state;
}

function merge(left: Moments, right: Moments): Moments {
  if (right.count === 0) return left;
  if (left.count === 0) return right;
  const count = left.count + right.count;
  const distance = right.mean - left.mean;
  left.squares += right.squares + (distance * distance * left.count * right.count) / count;
  left.mean += (distance * right.count) / count;
  left.count = count;
  return left;
}

type Result = (moments: Moments) => number | null;

const samplePart: Result = ({ count, squares }) => (count < 2 ? null : Math.max(0, squares) / (count - 1));
const populationPart: Result = ({ count, squares }) => (count < 1 ? null : Math.max(0, squares) / count);
const rooted =
  (result: Result): Result =>
  (moments) => {
    const variance = result(moments);
    return variance === null ? null : Math.sqrt(variance);
  };

function spread(name: string, result: Result): AggregateDefinition[] {
  const of = (parameter: SqlType, returns: SqlType): AggregateDefinition => ({
    id: functionId(name, [parameter]),
    name,
    parameters: [parameter],
    returns,
    skipsNull: true,
    mergeable: true,
    initial: (): Moments => ({ count: 0, mean: 0, squares: 0 }),
    accumulate: (state, args) => accumulate(state as Moments, Number(args[0] as SqlNumber)),
    merge: (left, right) => merge(left as Moments, right as Moments),
    finish: (state) => result(state as Moments),
  });
  return [of('numeric', 'numeric'), of('int8', 'numeric'), of('float8', 'float8')];
}

/** Of pairs (y, x), as SQL has them. */
interface PairMoments {
  count: number;
  meanX: number;
  meanY: number;
  squaresX: number;
  squaresY: number;
  products: number;
}

const emptyPairs = (): PairMoments => ({
  count: 0,
  meanX: 0,
  meanY: 0,
  squaresX: 0,
  squaresY: 0,
  products: 0,
});

function accumulatePair(state: PairMoments, y: number, x: number): PairMoments {
  state.count++;
  const distanceX = x - state.meanX;
  const distanceY = y - state.meanY;
  state.meanX += distanceX / state.count;
  state.meanY += distanceY / state.count;
  state.squaresX += distanceX * (x - state.meanX);
  state.squaresY += distanceY * (y - state.meanY);
  state.products += distanceX * (y - state.meanY);
  return state;
}

function mergePairs(left: PairMoments, right: PairMoments): PairMoments {
  if (right.count === 0) return left;
  if (left.count === 0) return right;
  const count = left.count + right.count;
  const distanceX = right.meanX - left.meanX;
  const distanceY = right.meanY - left.meanY;
  const weight = (left.count * right.count) / count;
  left.squaresX += right.squaresX + distanceX * distanceX * weight;
  left.squaresY += right.squaresY + distanceY * distanceY * weight;
  left.products += right.products + distanceX * distanceY * weight;
  left.meanX += (distanceX * right.count) / count;
  left.meanY += (distanceY * right.count) / count;
  left.count = count;
  return left;
}

const pairs = (name: string, result: (state: PairMoments) => number | null): AggregateDefinition => ({
  id: functionId(name, ['float8', 'float8']),
  name,
  parameters: ['float8', 'float8'],
  returns: name === 'regr_count' ? 'int8' : 'float8',
  skipsNull: true,
  mergeable: true,
  initial: emptyPairs,
  accumulate: (state, [y, x]) =>
    x === null ? state : accumulatePair(state as PairMoments, Number(y), Number(x)),
  merge: (left, right) => mergePairs(left as PairMoments, right as PairMoments),
  finish: (state) => result(state as PairMoments),
});

/** NULL without a row. */
const some = (result: (state: PairMoments) => number | null) => (state: PairMoments) =>
  state.count === 0 ? null : result(state);

function correlation({ squaresX, squaresY, products }: PairMoments): number | null {
  if (squaresX === 0 || squaresY === 0) return null;
  return Math.max(-1, Math.min(1, products / Math.sqrt(squaresX * squaresY)));
}

const slope = ({ squaresX, products }: PairMoments): number | null =>
  squaresX === 0 ? null : products / squaresX;

function determination(state: PairMoments): number | null {
  if (state.squaresX === 0) return null;
  return state.squaresY === 0 ? 1 : state.products ** 2 / (state.squaresX * state.squaresY);
}

export const AGGREGATES_STATISTICS: readonly AggregateDefinition[] = [
  ...spread('variance', samplePart),
  ...spread('var_samp', samplePart),
  ...spread('var_pop', populationPart),
  ...spread('stddev', rooted(samplePart)),
  ...spread('stddev_samp', rooted(samplePart)),
  ...spread('stddev_pop', rooted(populationPart)),
  pairs('corr', some(correlation)),
  pairs(
    'covar_pop',
    some(({ products, count }) => products / count),
  ),
  pairs('covar_samp', ({ products, count }) => (count < 2 ? null : products / (count - 1))),
  pairs('regr_slope', some(slope)),
  pairs(
    'regr_intercept',
    some((state) => {
      const gradient = slope(state);
      return gradient === null ? null : state.meanY - gradient * state.meanX;
    }),
  ),
  pairs('regr_r2', some(determination)),
  pairs('regr_count', ({ count }) => count),
  pairs(
    'regr_avgx',
    some(({ meanX }) => meanX),
  ),
  pairs(
    'regr_avgy',
    some(({ meanY }) => meanY),
  ),
  pairs(
    'regr_sxx',
    some(({ squaresX }) => squaresX),
  ),
  pairs(
    'regr_syy',
    some(({ squaresY }) => squaresY),
  ),
  pairs(
    'regr_sxy',
    some(({ products }) => products),
  ),
];
