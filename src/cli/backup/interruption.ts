/** SIGINT and SIGTERM as a signal to stop: once to end cleanly, twice to end at once. */
import { CliError } from '../output.js';

export interface Interruption {
  readonly signal: AbortSignal;
  /** Back to what signals do otherwise. */
  stop(): void;
}

/** `hint`: what is left behind, and what can be done with it. */
export function listenForInterruption(hint: string): Interruption {
  const controller = new AbortController();
  const onSignal = (name: NodeJS.Signals): void => {
    if (controller.signal.aborted) process.exit(1);
    controller.abort(new CliError(`interrupted by ${name}: ${hint}`));
  };
  const names = ['SIGINT', 'SIGTERM'] as const;
  for (const name of names) process.on(name, onSignal);
  return {
    signal: controller.signal,
    stop: () => {
      for (const name of names) process.off(name, onSignal);
    },
  };
}
