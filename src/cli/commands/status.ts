/** `lumadb status` */
import type { Command } from 'commander';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { CliError, EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';

async function status(options: ConnectionOptions): Promise<number> {
  const body = await ask<unknown>(options, '/status');
  if (typeof body !== 'object' || body === null)
    throw new CliError('the server answered /status without JSON');
  if (options.json) printJson(body);
  else await show({ ...body });
  return EXIT_OK;
}

async function show(body: Readonly<Record<string, unknown>>): Promise<void> {
  const { render } = await import('../render.js');
  const { shardStatus, shardsOf } = await import('../shard-status.js');
  const { shards: _shards, ...server } = body;
  print(render(server));
  const shards = shardsOf(body);
  if (shards.length > 0) print(shardStatus(shards));
}

export function registerStatus(program: Command, done: Done): void {
  addConnectionOptions(program.command('status'))
    .description('Show what the server does: shards, sequence numbers, memory, log, stalls and their causes.')
    .addHelpText(
      'after',
      `
Counts have sizes beside them: "2 of 4: 64.0 MiB". All figures, such as the levels of each shard: --json.
Fails (exit 1) when no server answers. For a yes-or-no answer use lumadb health.

Example:
  $ lumadb status --json | jq .shards`,
    )
    .action(async (_options, command: Command) => done(await status(command.optsWithGlobals())));
}
