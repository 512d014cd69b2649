import test from 'ava';
import type { RestartResult } from '../perf/restart-probe.js';
import { PRIVATE_PATH, runHarness } from './support/run-harness.js';

test('a smoke run of the restart probe stops, kills and finds every document again', async (t) => {
  t.timeout(280_000);
  const { code, stdout, stderr } = await runHarness(t, 'restart.js', ['--smoke', '--json', '--cold']);
  t.is(code, 0, stderr);
  const record = JSON.parse(stdout) as RestartResult;
  t.true(record.emptyReadyMs > 0 && record.documentsPerSecond > 0 && record.diskBytes > 0);
  t.is(record.rounds.length, 1);
  const [{ stopMs, gracefulReadyMs, killedReadyMs }] = record.rounds;
  t.true(stopMs > 0 && gracefulReadyMs > 0 && killedReadyMs > 0);
  t.notRegex(stdout, PRIVATE_PATH);
});

test('a wrong flag of the restart probe is refused by name', async (t) => {
  const { code, stderr } = await runHarness(t, 'restart.js', ['--documents', 'many']);
  t.is(code, 2);
  t.regex(stderr, /perf:restart: --documents must be from/);
});
