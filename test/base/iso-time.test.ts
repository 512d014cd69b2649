import test from 'ava';
import { parseIsoTime } from '../../src/base/iso-time.js';

test('moments are read with a zone, and as UTC without one', (t) => {
  const at = Date.UTC(2024, 0, 15, 14, 30, 0);
  for (const text of [
    '2024-01-15T14:30:00Z',
    '2024-01-15T14:30:00',
    '2024-01-15 14:30',
    '2024-01-15t14:30z',
    '2024-01-15T15:30:00+01:00',
    '2024-01-15T15:30:00+0100',
    '2024-01-15T15:30+01',
    '2024-01-15T09:00:00-05:30',
    '2024-01-15T14:30:00.0009Z',
  ])
    t.is(parseIsoTime(text), at, text);
  t.is(parseIsoTime('2024-01-15T14:30:00.123456Z'), at + 123);
  t.is(parseIsoTime('2024-01-15T14:30:00,5Z'), at + 500);
});

test('what is no moment is none', (t) => {
  for (const text of [
    '',
    'now',
    '2024-01-15',
    '2024-02-30T00:00:00Z',
    '2024-13-01T00:00:00Z',
    '2024-01-15T25:00Z',
    '1705329000',
  ])
    t.is(parseIsoTime(text), null, text);
});
