import test from 'ava';
import { shardStatus, shardsOf } from '../../src/cli/shard-status.js';

const GIB = 2 ** 30;

const readyShard = {
  shard: 0,
  state: 'ready',
  cause: null,
  stall_cause: null,
  writes_refused: null,
  seqno: 123_456_789,
  memtables: 2,
  memtables_max: 4,
  memtable_bytes: 64 * 2 ** 20,
  wal_bytes: 3 * GIB,
  wal_segments: 48,
  l0_files: 12,
  tables: 1234,
  table_bytes: 900 * GIB,
  levels: [{ level: 6, tables: 1234, runs: 1, bytes: 900 * GIB }],
  pending_compaction_bytes: 0,
  flush_error: null,
  restarts: 0,
};

const widest = (text: string): number => Math.max(...text.split('\n').map((line) => line.length));

test('shards that are well are a table with sizes that can be read, and nothing else', (t) => {
  const text = shardStatus([readyShard, { ...readyShard, shard: 1 }]);
  t.true(widest(text) <= 90, text);
  t.regex(text, /│ 0 +│ ready │ 123456789 │ 2 of 4: 64\.0 MiB │ 48: 3\.0 GiB │ 12 │ 1234: 900\.0 GiB │/);
  t.regex(text, /└[─┴]+┘$/, 'no note follows the table');
});

test('what is wrong with a shard is told below the table, within 100 columns', (t) => {
  const text = shardStatus([
    readyShard,
    {
      ...readyShard,
      shard: 13,
      state: 'recovering',
      cause: 'a long story '.repeat(20),
      stall_cause: 'memtables_full',
      writes_refused: 'the disk is full',
      flush_error: 'ENOSPC:\nno\tspace',
      pending_compaction_bytes: 3 * GIB,
      restarts: 2,
    },
  ]);
  t.true(widest(text) <= 100, text);
  const notes = text.slice(text.indexOf('shard 13  '));
  t.regex(notes, /^shard 13 {2}does not serve: a long story/);
  t.regex(notes, /\n {10}\S/, 'further lines are indented');
  const words = notes.replaceAll(/\s+/g, ' ');
  t.regex(words, /writes are held back: memtables_full; writes are refused: the disk is full;/);
  t.regex(words, /the last flush failed: ENOSPC: no space; 3\.0 GiB wait for compaction; restarts: 2$/);
  t.notRegex(text, /^shard 0 /m);
});

test('a status in another form has no shards to show', (t) => {
  t.deepEqual(shardsOf({}), []);
  t.deepEqual(shardsOf({ shards: 'many' }), []);
  t.deepEqual(shardsOf({ shards: [null, readyShard] }), [readyShard]);
});
