/** `npm run perf:sql`: SQL over documents against PostgreSQL 15 with jsonb, on the same data in one run. */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { summarizeAll } from '../profile.js';
import { publishRecord } from '../record.js';
import { runMain } from '../run-main.js';
import { parseSqlOptions, SQL_USAGE } from './options.js';
import { runSql } from './run.js';
import { renderSql } from './table.js';

await runMain('perf:sql', async (args) => {
  const options = parseSqlOptions(args);
  if (options === undefined) {
    console.log(SQL_USAGE);
    return;
  }
  const command = ['npm run perf:sql --', ...args].join(' ');
  if (!options.profile) {
    publishRecord(await runSql(options, command), options, renderSql);
    return;
  }
  // Not among the directories that are removed: this one is for the caller.
  const directory = mkdtempSync(join(tmpdir(), 'lumadb-profile-sql-'));
  const record = await runSql(options, command, ['--cpu-prof', `--cpu-prof-dir=${directory}`]);
  publishRecord(record, options, renderSql);
  console.log(summarizeAll(directory).join('\n'));
});
