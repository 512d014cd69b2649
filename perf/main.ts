/** `npm run perf`: how fast is it, against a bare server and against Redis, on this machine, now? */
import { cleanUpAtExit } from './child-process.js';
import type { Measurement } from './figures.js';
import { type Options, type Profile, parseOptions, USAGE, UsageError } from './options.js';
import { HISTORY_FILE } from './package-root.js';
import { runProfile } from './profile.js';
import { appendRecord, recordLine } from './record.js';
import { runRounds } from './run.js';
import { renderRecord } from './table.js';
import { checkTools } from './tools.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const PROFILE_NEEDS: Readonly<Record<Profile, readonly Measurement[]>> = {
  get: ['get'],
  put: ['put'],
  wsget: [],
  wsput: [],
};

async function profile(what: Profile, options: Options): Promise<void> {
  checkTools(PROFILE_NEEDS[what]);
  console.log(await runProfile(what, options));
}

async function compare(options: Options, args: readonly string[]): Promise<void> {
  checkTools(options.only);
  const record = await runRounds(options, ['npm run perf --', ...args].join(' '));
  console.log(options.json ? recordLine(record) : renderRecord(record));
  if (options.history) appendRecord(record, HISTORY_FILE);
}

async function main(args: readonly string[]): Promise<void> {
  const options = parseOptions(args);
  if (options === undefined) console.log(USAGE);
  else if (options.profile !== undefined) await profile(options.profile, options);
  else await compare(options, args);
}

cleanUpAtExit();
try {
  await main(process.argv.slice(2));
  process.exit(0);
} catch (error) {
  const isUsage = error instanceof UsageError;
  console.error(isUsage ? `perf: ${error.message}` : error);
  process.exit(isUsage ? EXIT_USAGE : EXIT_FAILED);
}
