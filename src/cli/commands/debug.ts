/** `lumadb debug dump-state` */
import type { Command } from 'commander';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { EXIT_OK, printJson } from '../output.js';
import type { Done } from '../program.js';

const DUMP_TIMEOUT_MS = 60_000;

async function dumpState(options: ConnectionOptions): Promise<number> {
  printJson(await ask(options, '/admin/dump-state', { timeoutMs: DUMP_TIMEOUT_MS }));
  return EXIT_OK;
}

export function registerDebug(program: Command, done: Done): void {
  const debug = program.command('debug').description('Look inside a running server.');
  addConnectionOptions(debug.command('dump-state'))
    .description('Print everything that the server knows about itself, as JSON.')
    .addHelpText(
      'after',
      `
Configuration without secrets, tables and their key ranges, memtables, log, sequence numbers, snapshots,
caches, threads, disk and tasks. Safe under load; of more than 10,000 tables only the first are listed.

Example:
  $ lumadb debug dump-state > state.json`,
    )
    .action(async (_options, command: Command) => done(await dumpState(command.optsWithGlobals())));
}
