import test from 'ava';
import { frame, frameWithNotice } from '../../../src/cli/top/frame.js';
import { type Line, painter, widthOf } from '../../../src/cli/top/line.js';
import { countText, latencyText, uptimeText } from '../../../src/cli/top/units.js';
import { figuresWith, shardAnswer } from './samples.js';

const ROOMY = { width: 80, height: Number.POSITIVE_INFINITY };
const plain = (lines: readonly Line[]): string[] => lines.map(painter(false));
const drawn = (changes: Parameters<typeof figuresWith>[0] = {}, room = ROOMY): string[] =>
  plain(frame('http://h:1', figuresWith(changes), room));

test('a frame has the sections of the manual, the shards and what holds writes back', (t) => {
  t.deepEqual(drawn(), [
    'LumaDB Performance Dashboard',
    'http://h:1 · version 1.2.3 · up 1h 2m · over 2s',
    '',
    'THROUGHPUT              LATENCY                 RESOURCES',
    '──────────              ───────                 ─────────',
    'Queries/sec: 10         p50: 1.0ms              CPU: 50%',
    'Inserts/sec: 1K         p95: 1.9ms              Memory: 1.0 MiB / 4.0 MiB',
    'Reads/sec: 102          p99: 2.0ms              Disk I/O: 3.0 KiB/s',
    '',
    'CACHE                   STORAGE                 CLUSTER',
    '─────                   ───────                 ───────',
    'Hit Rate: 75%           Total: 4.7 KiB          Nodes: 1/1',
    'Size: 1.0 KiB           Hot: 330 bytes          Leader: node-1',
    'Evictions: 120/min      Warm: 4.4 KiB           Repl Lag: 0ms',
    '',
    'SHARD   OPS/S    MEMTABLE         WAL   L0       QUEUE  STALL',
    '    0      1K     1.0 KiB     2.0 KiB    3    77 bytes  -',
    '    1      15     1.0 KiB     2.0 KiB    3     0 bytes  -',
    '',
    'Stalls: shard 0 slowdown 0.25 s',
    'Read-only: no',
  ]);
});

test('reasons are told in full, over several lines', (t) => {
  const lines = drawn({
    read_only: { reason: 'the disk is full\x1b[2J', since: '2026-01-01T00:00:00.000Z', by: 'disk' },
    draining: 'SIGTERM',
    shards: [
      shardAnswer(0, { stall_cause: 'l0_stop' }),
      shardAnswer(1, { state: 'failed', cause: `CORRUPT_WAL ${'in a segment '.repeat(6)}` }),
    ],
  });
  const text = lines.join('\n');
  t.regex(text, /^ {4}0 .* l0_stop$/m);
  t.regex(text, /^ {4}1 .* failed$/m);
  t.regex(text, /^Stalls: shard 0 l0_stop, slowdown 0\.25 s; shard 1 failed, CORRUPT_WAL in a\n {8}segment/m);
  t.regex(text, /^Read-only: since 2026-01-01T00:00:00\.000Z by disk: the disk is full \[2J$/m);
  t.regex(text, /^Shutting down: SIGTERM$/m);
  t.false(text.includes('\x1b'), 'terminal controls from a server are not obeyed');
});

test('a narrow terminal has fewer sections beside each other, and no line is wider', (t) => {
  const heads = (width: number): string[] =>
    drawn({}, { width, height: 100 }).filter((line) => line.includes('THROUGHPUT'));
  t.regex(heads(80)[0], /LATENCY.*RESOURCES/);
  t.regex(heads(60)[0], /LATENCY$/);
  t.regex(heads(30)[0], /^THROUGHPUT$/);
  for (const width of [1, 10, 30, 60, 80, 200])
    for (const line of frame('http://h:1', figuresWith(), { width, height: 100 }))
      t.true(widthOf(line) <= width);
});

test('a low terminal leaves shards out before reasons, and never scrolls', (t) => {
  const shards = Array.from({ length: 20 }, (_, shard) => shardAnswer(shard));
  const lines = drawn({ shards }, { width: 80, height: 24 });
  t.is(lines.length, 24);
  t.regex(lines.join('\n'), /and 16 more that do not fit\n\nStalls: .*\nRead-only: no$/);
  for (const height of [1, 5, 17, 40]) t.true(drawn({ shards }, { width: 80, height }).length <= height);
});

test('colours are there only when asked for', (t) => {
  const lines = frame('http://h:1', figuresWith(), ROOMY);
  t.true(lines.map(painter(true)).join('').includes('\x1b[1mTHROUGHPUT'));
  t.false(plain(lines).join('').includes('\x1b'));
});

test('a notice stands above the last picture', (t) => {
  const lines = frameWithNotice('cannot reach it', [[{ text: 'old', style: 'bold' }]], {
    width: 12,
    height: 9,
  });
  t.deepEqual(plain(lines), ['cannot reach', 'it', '', 'old']);
});

test('figures are short', (t) => {
  t.deepEqual([0, 0.25, 9.96, 950, 999.6, 1234, 45_000, 2.5e6].map(countText), [
    '0',
    '0.3',
    '10',
    '950',
    '1K',
    '1.2K',
    '45K',
    '2.5M',
  ]);
  t.deepEqual([null, 0, 0.85, 2.14, 45.4, 1500].map(latencyText), [
    '-',
    '0ms',
    '0.85ms',
    '2.1ms',
    '45ms',
    '1.5s',
  ]);
  t.deepEqual([42, 192, 18_420, 1_051_200].map(uptimeText), ['42s', '3m 12s', '5h 7m', '12d 4h']);
});
