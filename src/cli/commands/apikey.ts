/** `lumadb apikey`: keys for programs, each of a user, perhaps with less than the user may do. */
import { type Command, InvalidArgumentError } from 'commander';
import { systemClock } from '../../base/clock.js';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { parseAge } from '../duration.js';
import { CliError, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { plainTable } from '../render.js';

interface CreateOptions extends ConnectionOptions {
  readonly name?: string;
  readonly user?: string;
  readonly permission?: readonly string[];
  /** Milliseconds. */
  readonly expiresIn?: number;
}

interface ShownKey {
  readonly id: string;
  readonly name: string;
  readonly username: string;
  readonly permissions: readonly string[] | null;
  readonly created_at: string;
  readonly expires_at: string | null;
  /** Only in the answer that has made it. */
  readonly key?: string;
}

const PATH = '/admin/api-keys';

function parseExpiry(text: string): number {
  const ms = parseAge(text);
  if (ms === null || ms === 0)
    throw new InvalidArgumentError('It must be a duration such as 90d, 12h or 30m.');
  return ms;
}

async function create(options: CreateOptions): Promise<number> {
  const { name, user: username, permission: permissions, expiresIn } = options;
  if (name === undefined || username === undefined)
    throw new CliError('name the key and its user: --name ci --user alice', EXIT_USAGE);
  const expires_at =
    expiresIn === undefined ? undefined : new Date(systemClock.wallMs() + expiresIn).toISOString();
  const key = await ask<ShownKey>(options, PATH, {
    method: 'POST',
    body: { name, username, permissions, expires_at },
  });
  printKey(key, options, 'created');
  return EXIT_OK;
}

async function rotate(id: string, options: ConnectionOptions): Promise<number> {
  const key = await ask<ShownKey>(options, `${PATH}/${encodeURIComponent(id)}/rotate`, { method: 'POST' });
  printKey(key, options, 'has a new secret; the old one is void');
  return EXIT_OK;
}

function printKey(key: ShownKey, options: ConnectionOptions, what: string): void {
  if (options.json) printJson(key);
  else {
    print(`API key ${key.id} (${key.name}, of ${key.username}) ${what}`);
    print(`key: ${key.key}   (shown only now; send it as X-API-Key)`);
  }
}

async function revoke(id: string, options: ConnectionOptions): Promise<number> {
  const answer = await ask<{ id: string }>(options, `${PATH}/${encodeURIComponent(id)}`, {
    method: 'DELETE',
  });
  if (options.json) printJson(answer);
  else print(`API key ${answer.id} revoked`);
  return EXIT_OK;
}

async function list(options: ConnectionOptions): Promise<number> {
  const body = await ask<{ api_keys: readonly ShownKey[] }>(options, PATH);
  if (options.json) printJson(body);
  else if (body.api_keys.length === 0)
    print('no API keys: lumadb apikey create --name NAME --user USER makes one');
  else {
    const head = ['id', 'name', 'user', 'permissions', 'expires'];
    const rows = body.api_keys.map(({ id, name, username, permissions, expires_at }) => [
      id,
      name,
      username,
      permissions?.join(' ') ?? 'those of the user',
      expires_at ?? 'never',
    ]);
    print(plainTable(head, rows));
  }
  return EXIT_OK;
}

export function registerApiKey(program: Command, done: Done): void {
  const apikey = program
    .command('apikey')
    .description('Create, list, rotate and revoke API keys.')
    .addHelpText(
      'after',
      `
Example:
  $ lumadb apikey create --name dashboards --user monitor --permission "monitor:*" --expires-in 90d`,
    );
  const collect = (text: string, before: readonly string[] = []): readonly string[] => [...before, text];
  addConnectionOptions(apikey.command('create'))
    .description('Create a key; it is printed once.')
    .option('--name <name>', 'what the key is for')
    .option('--user <name>', 'the user whose key it is')
    .option(
      '--permission <pattern>',
      'leave the key only this of what the user may do; may be repeated',
      collect,
    )
    .option(
      '--expires-in <duration>',
      'how long it works, such as 12h or 90d (default: for ever)',
      parseExpiry,
    )
    .action(async (_options, command: Command) => done(await create(command.optsWithGlobals())));
  addConnectionOptions(apikey.command('list'))
    .description('List all keys, without their secrets.')
    .action(async (_options, command: Command) => done(await list(command.optsWithGlobals())));
  addConnectionOptions(apikey.command('rotate <id>'))
    .description('Give a key a new secret; the old one ends at once.')
    .action(async (id: string, _options, command: Command) =>
      done(await rotate(id, command.optsWithGlobals())),
    );
  addConnectionOptions(apikey.command('revoke <id>'))
    .description('Make a key void, at once.')
    .action(async (id: string, _options, command: Command) =>
      done(await revoke(id, command.optsWithGlobals())),
    );
}
