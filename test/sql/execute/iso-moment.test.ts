import test from 'ava';
import { createPrng } from '../../../src/base/prng.js';
import { isoMicros } from '../../../src/sql/execute/iso-moment.js';
import { castOrNull } from '../../../src/sql/types/cast.js';
import { Timestamp } from '../../../src/sql/types/values.js';
import { testSeed } from '../../support/random.js';

test('what the short parser reads is what the cast reads; the rest it leaves alone', (t) => {
  const seed = testSeed();
  t.log(`SEED=${seed}`);
  const prng = createPrng(seed);
  const two = (below: number): string => String(prng.nextBelow(below)).padStart(2, '0');
  let read = 0;
  for (let round = 0; round < 20_000; round++) {
    const fraction = ['', '.1', '.123', '.000001', '.123456', '.1234567', '.'][prng.nextBelow(7)];
    const zone = ['Z', 'Z', 'Z', '', '+02:00'][prng.nextBelow(5)];
    const year = String(prng.nextBelow(9999)).padStart(4, '0');
    const text = `${year}-${two(14)}-${two(33)}T${two(25)}:${two(61)}:${two(61)}${fraction}${zone}`;
    const bytes = Buffer.from(`"${text}"`);
    const micros = isoMicros(bytes, 1, bytes.length - 1);
    if (Number.isNaN(micros)) continue;
    read++;
    const value = castOrNull(text, 'timestamptz');
    t.true(value instanceof Timestamp && value.micros === micros, `SEED=${seed} ${text}`);
  }
  t.true(read > 3000);
});
