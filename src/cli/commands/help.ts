/** `lumadb help [command...]`. Commander's own help command looks at the first word only. */
import type { Command } from 'commander';
import { nearest } from '../../config/nearest.js';

/** The command that the words name. Ends as wrong usage where there is none. */
function named(program: Command, words: readonly string[]): Command {
  let found = program;
  for (const word of words) {
    const names = found.commands.map((command) => command.name());
    const next = found.commands[names.indexOf(word)];
    if (next !== undefined) found = next;
    else {
      const meant = nearest(word, names);
      const hint = meant === null ? '' : ` (Did you mean ${meant}?)`;
      const what = names.length === 0 ? `${found.name()} has no commands` : `unknown command '${word}'`;
      found.error(`error: ${what}${hint}`);
    }
  }
  return found;
}

export function registerHelp(program: Command): void {
  program
    .command('help [command...]')
    .description('Explain a command.')
    .addHelpText('after', '\nExample:\n  $ lumadb help user create')
    .action((words: string[]) => named(program, words).help());
}
