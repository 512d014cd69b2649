import test from 'ava';
import type { BackupPerfResult } from '../perf/backup-probe.js';
import { PRIVATE_PATH, runHarness } from './support/run-harness.js';

test('a smoke run of the backup probe copies, backs up and restores', async (t) => {
  t.timeout(280_000);
  const { code, stdout, stderr } = await runHarness(t, 'backup.js', ['--smoke', '--json']);
  t.is(code, 0, stderr);
  const record = JSON.parse(stdout) as BackupPerfResult;
  t.is(record.rounds.length, 1);
  t.true(Object.values(record.rounds[0]).every((seconds) => seconds > 0));
  for (const sizes of [record.together, record.spread])
    t.true(Object.values(sizes).every((bytes) => bytes > 0));
  t.true(record.putP99AloneMs > 0);
  t.notRegex(stdout, PRIVATE_PATH);
});
