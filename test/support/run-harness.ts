/** Runs a harness of perf/ as its own process, as npm would. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

export interface HarnessRun {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `main` is relative to dist/perf. */
export function runHarness(t: ExecutionContext, main: string, args: readonly string[]): Promise<HarnessRun> {
  const script = fileURLToPath(new URL(`../../perf/${main}`, import.meta.url));
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  // SIGTERM, not SIGKILL: the harness then takes its servers with it.
  t.teardown(() => child.kill('SIGTERM'));
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, stdout, stderr }));
  });
}

/** The history is public: nothing in it may name the machine or its directories. */
export const PRIVATE_PATH = /\/(tmp|home|root|work)\//;

/** Lengths of a measurement, in seconds: a machine that is busy enough leaves nothing to count in a short one. */
const SMOKE_SECONDS = [1, 4, 16];

/** A smoke run; a longer one when `isCounted` finds that something was starved. The last one must do. */
export async function runSmoke<T>(
  t: ExecutionContext,
  main: string,
  args: readonly string[],
  isCounted: (record: T) => boolean,
): Promise<HarnessRun> {
  let run: HarnessRun | undefined;
  for (const seconds of SMOKE_SECONDS) {
    run = await runHarness(t, main, ['--smoke', '--json', '--seconds', String(seconds), ...args]);
    if (run.code === 0 && isCounted(JSON.parse(run.stdout) as T)) return run;
    t.log(`with ${seconds} s: ${run.stderr.slice(-1000)}${run.stdout.slice(0, 3000)}`);
  }
  if (run === undefined) throw new Error('no length of a measurement');
  return run;
}
