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

interface HealthOptions extends ConnectionOptions {
  readonly verifyData?: boolean;
}

async function health(options: HealthOptions): Promise<number> {
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
  const isHealthy = answer.status === 200;
  if (options.verifyData !== true) return isHealthy ? EXIT_OK : EXIT_FAILED;
  const found = await verifyData(options);
  return isHealthy ? found : EXIT_FAILED;
}

/** All checksums, orders and statistics of what is on disk, beside the server: its files must be on this machine. */
async function verifyData({ host, port, dataDir, config, json }: HealthOptions): Promise<number> {
  const { isLoopback } = await import('../../config/exposure.js');
  if (host !== undefined && !isLoopback(host))
    throw new CliError('--verify-data reads the files of the server: run it on its machine, without --host');
  if (port !== undefined && dataDir === undefined)
    throw new CliError(
      '--verify-data needs --data-dir beside --port: which directory does that server hold?',
    );
  const { check } = await import('./fsck.js');
  return check({ dataDir, config, json });
}

export function registerHealth(program: Command, done: Done): void {
  addConnectionOptions(program.command('health'))
    .description('Check whether the server is healthy: exit 0 if so, 1 if it is degraded or does not answer.')
    .option('--verify-data', 'also check all data on disk, as lumadb fsck does')
    .addHelpText(
      'after',
      `
Example:
  $ lumadb health || echo "call somebody"`,
    )
    .action(async (_options, command: Command) => done(await health(command.optsWithGlobals())));
}
