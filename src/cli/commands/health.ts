/** `lumadb health` */
import type { Command } from 'commander';
import {
  addConnectionOptions,
  answerMessage,
  type ConnectionOptions,
  call,
  resolveTarget,
} from '../connection.js';
import { CliError, EXIT_FAILED, EXIT_OK, print } from '../output.js';
import type { Done } from '../program.js';

async function health(options: ConnectionOptions): Promise<number> {
  const answer = await call(await resolveTarget(options), '/health');
  const { body } = answer;
  // 503 is an answer too: a degraded server says in the body what is wrong.
  const hasReport = typeof body === 'object' && body !== null && 'status' in body;
  if (!hasReport) throw new CliError(answerMessage(answer));
  if (options.json) print(JSON.stringify(body, null, 2));
  else {
    const { render } = await import('../render.js');
    print(render({ ...body }));
  }
  return answer.status === 200 ? EXIT_OK : EXIT_FAILED;
}

export function registerHealth(program: Command, done: Done): void {
  addConnectionOptions(program.command('health'))
    .description('Check whether the server is healthy: exit 0 if so, 1 if it is degraded or does not answer.')
    .addHelpText(
      'after',
      `
Example:
  $ lumadb health || echo "call somebody"`,
    )
    .action(async (_options, command: Command) => done(await health(command.optsWithGlobals())));
}
