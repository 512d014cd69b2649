/** The frame of every harness's main file: nothing is left behind, a wrong flag is explained, exit codes say how it went. */
import { cleanUpAtExit } from './child-process.js';
import { UsageError } from './flags.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** Runs `main` with the command line's arguments and ends the process. */
export async function runMain(
  name: string,
  main: (args: readonly string[]) => Promise<void>,
): Promise<never> {
  cleanUpAtExit();
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    const isUsage = error instanceof UsageError;
    console.error(isUsage ? `${name}: ${error.message}` : error);
    process.exit(isUsage ? EXIT_USAGE : EXIT_FAILED);
  }
  process.exit(0);
}
