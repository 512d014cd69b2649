import { fstatSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { loadConfig } from '../../src/config/load.js';
import { isJournal, journalPriority } from '../../src/runtime/journal.js';
import { openServerLog } from '../../src/runtime/logger.js';

const messages = (file: string): string[] =>
  readFileSync(file, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line).msg);

test('error.log has the lines from warn on, and a rotation loses none', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-log-'));
  t.teardown(() => rmSync(directory, { recursive: true, force: true }));
  const { config } = loadConfig({
    env: {},
    lookup: [],
    overrides: { logging: { directory, format: 'json', stdout: false } },
  });
  const log = openServerLog(config);
  const [all, errors] = [join(directory, 'server.log'), join(directory, 'error.log')];
  log.logger.info('one');
  log.logger.warn('two');
  for (const file of [all, errors]) renameSync(file, `${file}.1`);
  log.logger.error('three');
  log.reopen();
  log.logger.error('four');
  log.logger.info('five');
  log.flush();
  t.deepEqual(messages(`${all}.1`), ['one', 'two', 'three']);
  t.deepEqual(messages(`${errors}.1`), ['two', 'three']);
  t.deepEqual(messages(all), ['four', 'five']);
  t.deepEqual(messages(errors), ['four']);
});

test('lines have a priority only where the output is the journal', (t) => {
  const { dev, ino } = fstatSync(1);
  t.true(isJournal(1, `${dev}:${ino}`));
  t.false(isJournal(1, `${dev}:${ino + 1}`));
  t.false(isJournal(1, ''));
  t.deepEqual([20, 30, 40, 50, 60].map(journalPriority), ['<7>', '<6>', '<4>', '<3>', '<2>']);
});
