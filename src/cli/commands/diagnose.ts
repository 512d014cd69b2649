/** `lumadb diagnose`: one archive with everything that a support case needs, of a server that answers or of one that does not. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { addConnectionOptions, type ConnectionOptions } from '../connection.js';
import type { Collected } from '../diagnose/collect.js';
import type { PieceOutcome } from '../diagnose/piece.js';
import { bytesText } from '../offline.js';
import { EXIT_FAILED, EXIT_OK, print, printError, printJson } from '../output.js';
import type { Done } from '../program.js';

interface DiagnoseOptions extends ConnectionOptions {
  readonly output: string;
  readonly force?: boolean;
}

async function diagnose(options: DiagnoseOptions): Promise<number> {
  const { collect } = await import('../diagnose/collect.js');
  const path = resolve(options.output);
  const collected = await collect({
    connection: options,
    path,
    force: options.force === true,
    onNote: printError,
    onOutcome: (outcome) => printError(progressLine(outcome)),
  });
  await report(path, collected, options.json === true);
  return hasServerData(collected) ? EXIT_OK : EXIT_FAILED;
}

function progressLine({ name, state, bytes, ms, reason, note }: PieceOutcome): string {
  const size = state === 'ok' ? bytesText(bytes) : 'failed';
  const line = `${name.padEnd(32)} ${size.padStart(12)} ${`${ms} ms`.padStart(9)}`;
  const more = reason ?? note;
  return more === undefined ? line : `${line}  ${more}`;
}

const hasServerData = ({ outcomes }: Collected): boolean =>
  outcomes.some(({ name, state }) => name.startsWith('server/') && state === 'ok');

async function report(path: string, collected: Collected, isJson: boolean): Promise<void> {
  const { HIDDEN_THINGS, SHOWN_THINGS } = await import('../diagnose/about.js');
  const { bytes, isServerAnswering, notes, outcomes } = collected;
  if (isJson) {
    printJson({
      path,
      bytes,
      server_answers: isServerAnswering,
      has_server_data: hasServerData(collected),
      notes,
      pieces: outcomes,
      hidden: HIDDEN_THINGS,
      not_hidden: SHOWN_THINGS,
    });
    return;
  }
  const failed = outcomes.filter(({ state }) => state === 'failed');
  print(`wrote ${path}: ${bytesText(bytes)}, ${outcomes.length} pieces, ${failed.length} failed`);
  for (const { name, reason } of failed) print(`  failed: ${name}: ${reason}`);
  for (const note of notes) print(`  note: ${note}`);
  print(HIDDEN_THINGS);
  print(SHOWN_THINGS);
}

export function registerDiagnose(program: Command, done: Done): void {
  addConnectionOptions(program.command('diagnose'))
    .requiredOption('--output <file>', 'the archive to write, a .tar.gz')
    .option('--force', 'replace a file of that name')
    .description('Collect everything that a support case needs into one archive, without secrets.')
    .addHelpText(
      'after',
      `
Status, metrics, configuration, logs (the last MiB of each), stacks of all threads, files by shard and level,
versions and limits. Safe under load: every piece has a limit of time and size, and one that fails is in the
archive as the reason why. Of a server that does not answer it has what can be seen from outside, and the
exit code is 1. Run it on the machine of the server, as its user or as root.

Example:
  $ lumadb diagnose --output /tmp/diagnostics.tar.gz`,
    )
    .action(async (_options, command: Command) => done(await diagnose(command.optsWithGlobals())));
}
