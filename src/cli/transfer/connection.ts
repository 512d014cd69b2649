/** The server that an import or export talks to, and what both do on an interrupt and with an error of theirs. */
import { readFileSync } from 'node:fs';
import { DbError } from '../../base/errors.js';
import { LumaDbError } from '../../transfer/errors.js';
import { TransferServer } from '../../transfer/server.js';
import { type ConnectionOptions, call, resolveTarget } from '../connection.js';
import { CliError } from '../output.js';

/** How long a transfer tries while the server takes nothing. */
export const RETRY_FOR_MS = 300_000;

/** Throws CliError when nothing answers there, unless the caller is patient from the beginning (--retry-for). */
export async function connectTransfer(
  options: ConnectionOptions & { readonly retryFor?: number },
): Promise<TransferServer> {
  const to = await resolveTarget(options);
  const { url, token, tls } = to;
  if (options.retryFor === undefined) await call(to, '/live');
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
