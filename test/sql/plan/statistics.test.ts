import test from 'ava';
import { createPrng } from '../../../src/base/prng.js';
import { fractionBelow, fractionWithPrefix } from '../../../src/sql/plan/histogram.js';
import { DEFAULT_STATISTICS_OPTIONS, FieldSample } from '../../../src/sql/plan/statistics.js';
import { textAfterPrefix } from '../../../src/sql/plan/text-order.js';
import { compareText } from '../../../src/sql/types/text-order.js';
import { testSeed } from '../../support/random.js';

const seed = testSeed();
const prng = createPrng(seed);
const random = (): number => prng.nextBelow(1_000_000) / 1_000_000;

function statisticsOf(
  values: readonly (string | number | boolean)[],
  documents = values.length,
  sampled = documents,
) {
  const sample = new FieldSample({ ...DEFAULT_STATISTICS_OPTIONS, sampleMax: 3000 }, random);
  for (const value of values) sample.add(value);
  return sample.statistics(sampled, documents);
}

test(`keys are seen to be distinct, few values to be few (seed ${seed})`, (t) => {
  const keys = statisticsOf(Array.from({ length: 50_000 }, (_, i) => `key-${i}`));
  t.is(keys.distinct, 50_000);
  t.deepEqual(keys.common, []);
  const few = statisticsOf(Array.from({ length: 50_000 }, (_, i) => i % 7));
  t.is(few.distinct, 7);
  t.is(few.common.length, 7);
  t.true(few.common.every(({ fraction }) => Math.abs(fraction - 1 / 7) < 0.03));
});

test(`the number of values of a sample of many is estimated within a factor of two (seed ${seed})`, (t) => {
  const values = Array.from({ length: 100_000 }, () => prng.nextBelow(5000));
  const { distinct } = statisticsOf(values);
  t.true(distinct > 2500 && distinct < 10_000, String(distinct));
});

test('members that are missing, or no scalars, are counted', (t) => {
  const sample = new FieldSample(DEFAULT_STATISTICS_OPTIONS, random);
  for (let i = 0; i < 50; i++) sample.add(i % 2 === 0);
  for (let i = 0; i < 25; i++) sample.addContainer();
  const statistics = sample.statistics(100, 1000);
  t.is(statistics.nullFraction, 0.25);
  t.deepEqual(
    statistics.common.map(({ fraction }) => fraction),
    [0.25, 0.25],
  );
});

test(`histograms tell how much is below a value (seed ${seed})`, (t) => {
  const numbers = statisticsOf(Array.from({ length: 20_000 }, () => prng.nextBelow(1_000_000)));
  const part = fractionBelow(numbers, 250_000) ?? 0;
  t.true(Math.abs(part - 0.25) < 0.05, String(part));
  t.is(fractionBelow(numbers, -1), 0);
  t.true((fractionBelow(numbers, 2_000_000) ?? 0) > 0.99);
  const days = statisticsOf(
    Array.from({ length: 20_000 }, (_, i) => `2024-${String(1 + (i % 12)).padStart(2, '0')}-${i}`),
  );
  const march = fractionWithPrefix(days, '2024-03') ?? 0;
  t.true(march > 0.04 && march < 0.15, String(march));
});

test('texts are in the order of their code points, and the end of a prefix is behind all of it', (t) => {
  const texts = ['', 'a', 'a\u{ffff}', 'a\u{10000}', 'b', '\ud7ff', '\ue000', '\u{10ffff}'];
  for (let i = 1; i < texts.length; i++) t.true(compareText(texts[i - 1], texts[i]) < 0, texts[i]);
  t.is(textAfterPrefix('ab'), 'ac');
  t.is(textAfterPrefix('a\u{10ffff}'), 'b');
  t.is(textAfterPrefix('\ud7ff'), '\ue000');
  t.is(textAfterPrefix('\u{10ffff}'), undefined);
});
