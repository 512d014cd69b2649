/** `npm run perf`: how fast is it, against a bare server and against Redis, on this machine, now? */
import type { Measurement } from './figures.js';
import { type Options, type Profile, parseOptions, USAGE } from './options.js';
import { runProfile } from './profile.js';
import { publishRecord } from './record.js';
import { runRounds } from './run.js';
import { runMain } from './run-main.js';
import { renderRecord } from './table.js';
import { checkTools } from './tools.js';

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
  publishRecord(record, options, renderRecord);
}

await runMain('perf', async (args) => {
  const options = parseOptions(args);
  if (options === undefined) console.log(USAGE);
  else if (options.profile !== undefined) await profile(options.profile, options);
  else await compare(options, args);
});
