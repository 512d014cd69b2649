/** `lumadb config set KEY VALUE` and `lumadb config unset KEY`: PATCH /admin/config of a running server. */
import type { Command } from 'commander';
import type { KeyInfo } from '../../config/schema.js';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { CliError, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import type { Done } from '../program.js';

interface Change {
  readonly key: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly effect: 'live' | 'restart';
}

/** Throws CliError with the nearest name. */
async function keyNamed(name: string): Promise<KeyInfo> {
  const { findKey } = await import('../../config/key-names.js');
  try {
    return findKey(name);
  } catch (error) {
    throw new CliError((error as Error).message, EXIT_USAGE, { cause: error });
  }
}

async function set(name: string, text: string, options: ConnectionOptions): Promise<number> {
  const { parseVariable, valueMessage } = await import('../../config/load.js');
  const key = await keyNamed(name);
  const value = parseVariable(key, text);
  if (value === null || !key.accepts(value))
    throw new CliError(valueMessage(key, key.path, text), EXIT_USAGE);
  return change(key, value, options);
}

const unset = async (name: string, options: ConnectionOptions): Promise<number> =>
  change(await keyNamed(name), null, options);

async function change(key: KeyInfo, value: unknown, options: ConnectionOptions): Promise<number> {
  const request = { method: 'PATCH', body: { [key.path]: value } } as const;
  const answer = await ask<{ readonly changed: readonly Change[] }>(options, '/admin/config', request);
  if (options.json) printJson(answer);
  else for (const changed of answer.changed) print(changeText(changed));
  return EXIT_OK;
}

function changeText({ key, before, after, effect }: Change): string {
  const value = JSON.stringify(after);
  if (JSON.stringify(before) === value) return `${key} = ${value}, as it is already`;
  const change = `${key} = ${value} (was ${JSON.stringify(before)})`;
  return effect === 'live'
    ? `${change}, in effect now`
    : `${change}, in effect after a restart of the server`;
}

export function registerConfigSet(config: Command, done: Done): void {
  addConnectionOptions(config.command('set'))
    .argument('<key>', 'the key as section.key, or alone where that is clear')
    .argument('<value>', 'the value, as in an environment variable')
    .description('Change a key of a running server; says whether it is live or needs a restart.')
    .addHelpText(
      'after',
      `
The change is kept in the data directory and goes before the configuration file, also at later starts.

Example:
  $ lumadb config set logging.level debug`,
    )
    .action(async (key: string, value: string, _options, command: Command) =>
      done(await set(key, value, command.optsWithGlobals())),
    );
  addConnectionOptions(config.command('unset'))
    .argument('<key>', 'the key as section.key, or alone where that is clear')
    .description('Take a change of a key back: the configuration file holds again, or the default.')
    .addHelpText(
      'after',
      `
Example:
  $ lumadb config unset logging.level`,
    )
    .action(async (key: string, _options, command: Command) =>
      done(await unset(key, command.optsWithGlobals())),
    );
}
