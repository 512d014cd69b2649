/** What the CLI prints, and the two ways in which a command fails. */
import { DbError } from '../base/errors.js';

export const EXIT_OK = 0;
export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;

/** A command failed in a way that is explained in one line. */
export class CliError extends Error {
  override readonly name = 'CliError';
  constructor(
    message: string,
    readonly exitCode: number = EXIT_FAILED,
    options?: { cause?: unknown },
  ) {
    super(message, options);
  }
}

export const print = (line = ''): void => {
  process.stdout.write(`${line}\n`);
};
export const printError = (line: string): void => {
  process.stderr.write(`${line}\n`);
};
export const printJson = (value: unknown): void => print(JSON.stringify(value, null, 2));

/** Reports a failure on stderr and returns the exit code. A stack only with LUMADB_DEBUG=1. */
export function reportFailure(error: unknown): number {
  if (process.env['LUMADB_DEBUG'] === '1') console.error(error);
  else {
    const expected = error instanceof CliError || error instanceof DbError;
    const message = error instanceof Error ? error.message : String(error);
    printError(
      `lumadb: ${message}${expected ? '' : ' (unexpected: run again with LUMADB_DEBUG=1 for the stack)'}`,
    );
  }
  return error instanceof CliError ? error.exitCode : EXIT_FAILED;
}
