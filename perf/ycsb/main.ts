/** `npm run perf:ycsb`: the YCSB core workloads on data that are larger than memory, and how long a write waits at worst. */
import { publishRecord } from '../record.js';
import { runMain } from '../run-main.js';
import { parseYcsbOptions, YCSB_USAGE } from './options.js';
import { runYcsb } from './run.js';
import { renderYcsb } from './table.js';

await runMain('perf:ycsb', async (args) => {
  const options = parseYcsbOptions(args);
  if (options === undefined) {
    console.log(YCSB_USAGE);
    return;
  }
  const record = await runYcsb(options, ['npm run perf:ycsb --', ...args].join(' '));
  publishRecord(record, options, renderYcsb);
});
