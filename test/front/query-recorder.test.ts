import test from 'ava';
import type { QueryRecord } from '../../src/admin/query-record.js';
import { QueryRecorder } from '../../src/front/query/recorder.js';

const record: QueryRecord = {
  id: 'q',
  query: 'SELECT 1',
  pattern: 'SELECT $1',
  startedAtMs: 0,
  durationMs: 1,
  outcome: { rowsScanned: 0, rowsReturned: 1, rowsAffected: 0, plan: '', candidates: [] },
};

test('records wait for a main thread that is behind up to a limit, and are counted beyond it', async (t) => {
  const waiting: (() => void)[] = [];
  let delivered = 0;
  let dropped = 0;
  const recorder = new QueryRecorder(
    (records) => {
      delivered += records.length;
      return new Promise((resolve) => waiting.push(resolve));
    },
    (count) => {
      dropped += count;
    },
  );
  for (let i = 0; i < 20_000; i++) recorder.add(record);
  recorder.flush();
  t.is(delivered, 8000);
  t.is(dropped, 12_000);
  for (const taken of waiting.splice(0)) taken();
  await Promise.resolve();
  recorder.add(record);
  recorder.flush();
  t.is(delivered, 8001, 'and goes on when it has caught up');
  t.is(dropped, 12_000);
});
