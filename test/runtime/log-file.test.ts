import { mkdirSync, readFileSync, renameSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { LogFile } from '../../src/runtime/log-file.js';
import { temporaryDirectory } from '../cli/run-cli.js';

test('a file that cannot be opened anew is told, ends nothing, and can be opened later', async (t) => {
  const directory = join(temporaryDirectory(t), 'logs');
  const aside = `${directory}.1`;
  const path = join(directory, 'a.log');
  const told: string[] = [];
  const onError = (error: Error) => told.push((error as NodeJS.ErrnoException).code ?? error.message);
  const file = new LogFile({ to: path, isBuffered: false, onError });
  const reopened = (): string[] => file.reopen().map(({ message }) => message);
  file.write('before\n');
  renameSync(directory, aside);
  // In the way of the directory, then of the file itself, which sonic-boom finds out.
  writeFileSync(directory, '');
  for (let n = 0; n < 2; n++) t.regex(reopened().join(), /^cannot create the log directory .*logs/);
  rmSync(directory);
  mkdirSync(path, { recursive: true });
  for (let n = 0; n < 2; n++) t.regex(reopened().join(), /^EISDIR/);
  file.write('meanwhile\n');
  t.is(readFileSync(join(aside, 'a.log'), 'utf8'), 'before\nmeanwhile\n');

  rmdirSync(path);
  t.deepEqual(reopened(), []);
  file.write('after\n');
  t.is(readFileSync(path, 'utf8'), 'after\n');
  await delay(50);
  t.deepEqual(told, ['EISDIR', 'EISDIR'], 'the file before is closed once');
});
