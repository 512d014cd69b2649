/** `lumadb completion`: the script that teaches a shell the commands, flags and values. What it needs is loaded only here. */
import { Argument, type Command } from 'commander';
import type { Shell } from '../completion.js';
import { EXIT_OK } from '../output.js';
import type { Done } from '../program.js';

export function registerCompletion(program: Command, done: Done): void {
  program
    .command('completion')
    .addArgument(new Argument('<shell>', 'the shell to complete in').choices(['bash', 'zsh', 'fish']))
    .description('Print the script that completes commands, flags and values in a shell.')
    .addHelpText(
      'after',
      `
Examples:
  $ source <(lumadb completion bash)                                        (in ~/.bashrc)
  $ source <(lumadb completion zsh)                                         (in ~/.zshrc, after compinit)
  $ lumadb completion fish > ~/.config/fish/completions/lumadb.fish`,
    )
    .action(async (shell: Shell) => {
      const { printScript } = await import('../completion.js');
      printScript(shell);
      done(EXIT_OK);
    });
}
