/** The programs that are not ours. */
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { Measurement } from './figures.js';
import { UsageError } from './flags.js';

const WRK = ['wrk'];
const REDIS = ['redis-server', 'redis-benchmark'];

const NEEDS: Readonly<Record<Measurement, readonly string[]>> = {
  idle: [],
  bare: WRK,
  get: WRK,
  put: WRK,
  'redis-set': REDIS,
  'redis-get': REDIS,
  'ws-get': [],
  'ws-put': [],
  mixed: WRK,
};

function isInstalled(program: string): boolean {
  return (process.env['PATH'] ?? '').split(delimiter).some((directory) => {
    try {
      accessSync(join(directory, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

/** Programs that these measurements need and that are not there. */
export function missingTools(measurements: readonly Measurement[]): string[] {
  const needed = new Set(measurements.flatMap((name) => NEEDS[name]));
  return [...needed].filter((program) => !isInstalled(program));
}

export function checkTools(measurements: readonly Measurement[]): void {
  const missing = missingTools(measurements);
  if (missing.length === 0) return;
  throw new UsageError(
    `${missing.join(', ')} not found. On Debian: apt-get install wrk redis-server. ` +
      'Or leave those measurements out with --only.',
  );
}
