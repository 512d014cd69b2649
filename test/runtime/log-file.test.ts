import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { LogFile } from '../../src/runtime/log-file.js';
import { temporaryDirectory } from '../cli/run-cli.js';
import { until } from '../support/time.js';

test('a file that cannot be opened anew is told, ends nothing, and can be opened later', async (t) => {
  const directory = join(temporaryDirectory(t), 'logs');
  const aside = `${directory}.1`;
  const path = join(directory, 'a.log');
  const told: string[] = [];
  const onError = (error: Error) => told.push((error as NodeJS.ErrnoException).code ?? error.message);
  const file = new LogFile({ to: path, isBuffered: false, onError });
  file.write('before\n');
  renameSync(directory, aside);
  writeFileSync(directory, 'in the way');
  for (let n = 1; n <= 2; n++) {
    t.notThrows(() => file.reopen());
    await until('it is told', () => told.length === n);
  }
  file.write('meanwhile\n');
  t.is(readFileSync(join(aside, 'a.log'), 'utf8'), 'before\nmeanwhile\n');

  rmSync(directory);
  mkdirSync(directory);
  file.reopen();
  file.write('after\n');
  t.is(readFileSync(path, 'utf8'), 'after\n');
  await delay(50);
  t.deepEqual(told, ['ENOTDIR', 'ENOTDIR'], 'the file before is closed once');
});
