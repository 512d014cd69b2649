/** `lumadb config validate FILE` and `lumadb config show` */
import type { Command } from 'commander';
import type { ConfigCheck, KeyOrigin, LoadedConfig } from '../../config/load.js';
import { addJsonOption } from '../connection.js';
import { EXIT_FAILED, EXIT_OK, print, printError, printJson } from '../output.js';
import type { Done } from '../program.js';
import { registerConfigSet } from './config-set.js';

interface JsonOption {
  readonly json?: boolean;
}

function validationJson(file: string, { problems, loaded }: ConfigCheck): unknown {
  return {
    file,
    valid: problems.length === 0,
    problems: problems.map(({ line, column, message }) => ({ line, column, message })),
    warnings: loaded?.warnings ?? [],
  };
}

async function validate(file: string, options: JsonOption): Promise<number> {
  const { checkConfig } = await import('../../config/load.js');
  // The file alone: what the environment of this shell says is not the file's fault.
  const check = checkConfig({ file, env: {} });
  const { problems, loaded } = check;
  if (options.json) printJson(validationJson(file, check));
  else {
    for (const problem of problems) printError(problem.text);
    for (const warning of loaded?.warnings ?? []) printError(`warning: ${warning}`);
    if (loaded === null)
      printError(`lumadb: ${problems.length} ${problems.length === 1 ? 'problem' : 'problems'} in ${file}`);
    else print(`${file}: ok, ${countGiven(loaded)} set, the rest at defaults`);
  }
  return problems.length === 0 ? EXIT_OK : EXIT_FAILED;
}

function countGiven({ source }: LoadedConfig): string {
  const count = [...source.keys.values()].filter((origin) => origin.from === 'file').length;
  return `${count} ${count === 1 ? 'key' : 'keys'}`;
}

async function show(options: JsonOption & { config?: string }): Promise<number> {
  const { loadConfig, originText } = await import('../../config/load.js');
  const { shownConfig } = await import('../../config/shown-config.js');
  const { config, warnings, source } = loadConfig({
    file: options.config,
    env: process.env,
    changes: 'stored',
  });
  const origin = (path: string): KeyOrigin => source.keys.get(path) ?? { from: 'default' };
  const sections = Object.entries(shownConfig(config)).map(([section, values]) => ({
    section,
    keys: Object.entries(values).map(([name, value]) => ({
      name,
      value,
      source: origin(`${section}.${name}`),
    })),
  }));
  if (options.json) {
    const keys = sections.flatMap(({ section, keys }) =>
      keys.map(({ name, value, source: from }) => [`${section}.${name}`, { value, source: from }]),
    );
    printJson({ file: source.file, keys: Object.fromEntries(keys), warnings });
    return EXIT_OK;
  }
  print(`# ${source.file === null ? 'no configuration file' : `file: ${source.file}`}`);
  for (const { section, keys } of sections) {
    print(`\n[${section}]`);
    const assignments = keys.map(({ name, value }) => `${name} = ${JSON.stringify(value)}`);
    const width = Math.max(0, ...assignments.map((assignment) => assignment.length));
    for (const [index, key] of keys.entries()) {
      print(`${(assignments[index] ?? '').padEnd(width)}  # ${originText(key.source)}`);
    }
  }
  for (const warning of warnings) printError(`warning: ${warning}`);
  return EXIT_OK;
}

export function registerConfig(program: Command, done: Done): void {
  const config = program.command('config').description('Check, show and change the configuration.');
  addJsonOption(config.command('validate'))
    .argument('<file>', 'the TOML file')
    .description('Check a configuration file; print every problem as file:line:column: message.')
    .addHelpText(
      'after',
      `
Exit 0 when the file can be used as it is, 1 when not. Looks at the file only, not at the environment.

Example:
  $ lumadb config validate /etc/lumadb/config.toml`,
    )
    .action(async (file: string, _options, command: Command) =>
      done(await validate(file, command.optsWithGlobals())),
    );
  addJsonOption(config.command('show'))
    .option('--config <file>', 'configuration file (default: ./config.toml, else /etc/lumadb/config.toml)')
    .description(
      'Show the value of every key and where it comes from: default, file, change at run time or environment.',
    )
    .addHelpText(
      'after',
      `
Example:
  $ LUMADB_SERVER__PORT=9090 lumadb config show`,
    )
    .action(async (_options, command: Command) => done(await show(command.optsWithGlobals())));
  registerConfigSet(config, done);
}
