import test from 'ava';
import { parseLevelRange } from '../../src/base/level-range.js';

test('level ranges are all, one level, or from-to', (t) => {
  t.is(parseLevelRange('all'), 'all');
  t.deepEqual(parseLevelRange('0'), { from: 0, to: 0 });
  t.deepEqual(parseLevelRange('6'), { from: 6, to: 6 });
  t.deepEqual(parseLevelRange('0-2'), { from: 0, to: 2 });
});

test('what is no range of levels that exist is refused', (t) => {
  for (const text of ['', 'All', '7', '0-7', '2-0', '-1', '1-', '0,2', ' 1', '1.0', '00', '0-2-3'])
    t.is(parseLevelRange(text), undefined, JSON.stringify(text));
});
