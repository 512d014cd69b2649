/** The server that an import or export talks to, and what both do on an interrupt and with an error of theirs. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';
import { DbError } from '../base/errors.js';
import { LumaDbError } from '../transfer/errors.js';
import { TransferServer } from '../transfer/server.js';
import { type ConnectionOptions, resolveTarget } from './connection.js';
import { parseDuration } from './duration.js';
import { CliError } from './output.js';

/** How long a transfer tries while the server takes nothing. */
export const RETRY_FOR_MS = 300_000;

export async function connectTransfer(options: ConnectionOptions): Promise<TransferServer> {
  const { url, token, tls } = await resolveTarget(options);
  return new TransferServer({
    url,
    token,
    tls:
      tls === undefined
        ? undefined
        : {
            ca: tls.certificates === undefined ? undefined : readFileSync(tls.certificates, 'utf8'),
            checksName: !tls.isOwn,
          },
  });
}

/** Runs `act` with a signal that Ctrl+C aborts, and makes its failures CliErrors that say how to go on. */
export async function runTransfer<T>(
  act: (signal: AbortSignal) => Promise<T>,
  howToGoOn: string,
): Promise<T> {
  const interrupt = new AbortController();
  const onInterrupt = (): void => interrupt.abort(new CliError(`interrupted${howToGoOn}`));
  process.once('SIGINT', onInterrupt);
  process.once('SIGTERM', onInterrupt);
  try {
    return await act(interrupt.signal);
  } catch (error) {
    if (interrupt.signal.aborted) throw interrupt.signal.reason;
    if (error instanceof LumaDbError)
      throw new CliError(`${error.message}${howToGoOn}`, undefined, { cause: error });
    const code = (error as NodeJS.ErrnoException).code;
    if (error instanceof DbError || typeof code !== 'string') throw error;
    // A file that cannot be read or written: the system's own sentence names it.
    throw new CliError(`${(error as Error).message}${howToGoOn}`, undefined, { cause: error });
  } finally {
    process.off('SIGINT', onInterrupt);
    process.off('SIGTERM', onInterrupt);
  }
}

/** A parser of options: a whole number in a range. */
export function wholeNumber(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d{1,15}$/.test(text) && value >= min && value <= max) return value;
    throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
  };
}

export function oneCharacter(text: string): string {
  const character = text === '\\t' || text === 'tab' ? '\t' : text;
  if (/^[\t\x20-\x7e]$/.test(character) && character !== '"') return character;
  throw new InvalidArgumentError('It must be one ASCII character, or tab.');
}

export function nameList(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.includes('')) throw new InvalidArgumentError('It has an empty name.');
  return names;
}

export function parseRetryFor(text: string): number {
  const ms = parseDuration(text);
  if (ms === null) throw new InvalidArgumentError('It must be a number with a unit, such as 60s or 5m.');
  return ms;
}
