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
