/** `lumadb status` */
import type { Command } from 'commander';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { CliError, EXIT_OK, print } from '../output.js';
import type { Done } from '../program.js';

async function status(options: ConnectionOptions): Promise<number> {
  const body = await ask<unknown>(options, '/status');
  if (typeof body !== 'object' || body === null)
    throw new CliError('the server answered /status without JSON');
  if (options.json) print(JSON.stringify(body, null, 2));
  else {
    const { render } = await import('../render.js');
    print(render({ ...body }));
  }
  return EXIT_OK;
}

export function registerStatus(program: Command, done: Done): void {
  addConnectionOptions(program.command('status'))
    .description('Show what the server does: shards, sequence numbers, memory, log, stalls and their causes.')
    .addHelpText(
      'after',
      `
Fails (exit 1) when no server answers. For a yes-or-no answer use lumadb health.

Example:
  $ lumadb status --json | jq .shards`,
    )
    .action(async (_options, command: Command) => done(await status(command.optsWithGlobals())));
}
