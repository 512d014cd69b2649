/** Samples a server again and again, an interval apart, also one that goes away and comes back. */
import { setTimeout as delay } from 'node:timers/promises';
import { systemClock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { type ConnectionOptions, resolveTarget, type Target } from '../connection.js';
import { CliError } from '../output.js';
import { type Figures, figuresBetween } from './figures.js';
import { type Sample, takeSample } from './sample.js';

export type Look =
  | { readonly kind: 'figures'; readonly url: string; readonly figures: Figures }
  | { readonly kind: 'failure'; readonly message: string };

/**
 * The first look comes after two samples, and so does the first after a failure: a rate over the time in which the server was
 * away would tell of neither life. Throws CliError or DbError when the very first sample fails, as what was typed is
 * probably wrong then; ends when `signal` is aborted.
 */
export async function* watch(
  options: ConnectionOptions,
  intervalMs: number,
  signal: AbortSignal,
): AsyncGenerator<Look> {
  let target: Target | undefined;
  let before: Sample | undefined;
  let hasAnswered = false;
  while (!signal.aborted) {
    let lookedMs = systemClock.monotonicMs();
    let look: Look | undefined;
    try {
      // After a failure once more: a server that came back may have another port and another token.
      target ??= await resolveTarget(options);
      const after = await unlessAborted(takeSample(target), signal);
      if (after === undefined) return;
      if (before !== undefined)
        look = { kind: 'figures', url: target.url, figures: figuresBetween(before, after) };
      before = after;
      // Not from the request on: a slow answer would shorten what the next rates are taken over.
      lookedMs = after.atMs;
      hasAnswered = true;
    } catch (error) {
      if (!hasAnswered || !(error instanceof CliError || error instanceof DbError)) throw error;
      target = undefined;
      before = undefined;
      look = { kind: 'failure', message: error.message };
    }
    if (look !== undefined) yield look;
    const leftMs = lookedMs + intervalMs - systemClock.monotonicMs();
    await delay(Math.max(0, leftMs), undefined, { signal }).catch(() => {});
  }
}

/** Undefined as soon as `signal` is aborted: a server that hangs must not hold up who wants to leave. */
async function unlessAborted<T>(result: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  let onAbort = (): void => {};
  const aborted = new Promise<undefined>((resolve) => {
    onAbort = () => resolve(undefined);
    signal.addEventListener('abort', onAbort);
  });
  try {
    return await Promise.race([result, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
