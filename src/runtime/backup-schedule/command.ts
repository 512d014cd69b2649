/**
 * Runs a command of this program in a process of its own, for scheduled backups: a crash of it is no crash of the server, and its
 * work takes nothing of the server's threads. Main thread only.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const CLI_MAIN = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
/** Of its JSON; more is no answer of a command. */
const OUTPUT_BYTES_MAX = 4 * 1024 * 1024;
const STOP_WAIT_MS = 10_000;

export interface CommandResult {
  readonly code: number | null;
  /** Parsed standard output; null when it is no JSON. */
  readonly json: unknown;
  /** The last line of standard error: why it failed. */
  readonly lastLine: string;
}

export interface RunningCommand {
  readonly done: Promise<CommandResult>;
  /** Asks it to end, and makes it when it does not. */
  stop(): void;
}

/** `environment`: beside that of this process. */
export function runCommand(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): RunningCommand {
  const child = spawn(process.execPath, [CLI_MAIN, ...args, '--json'], {
    env: { ...process.env, NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return {
    done: resultOf(child),
    stop: () => {
      child.kill('SIGTERM');
      setTimeout(() => child.kill('SIGKILL'), STOP_WAIT_MS).unref();
    },
  };
}

function resultOf(child: ChildProcess): Promise<CommandResult> {
  let output = '';
  let lastLine = '';
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    if (output.length < OUTPUT_BYTES_MAX) output += text;
  });
  if (child.stderr !== null) {
    createInterface({ input: child.stderr }).on('line', (line) => {
      if (line.trim() !== '') lastLine = line;
    });
  }
  return new Promise((resolve) => {
    child.once('error', (error) => resolve({ code: null, json: null, lastLine: error.message }));
    child.once('close', (code) => resolve({ code, json: parsed(output), lastLine }));
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
