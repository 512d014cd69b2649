/**
 * What a shell asks for when Tab is pressed, by @bomb.sh/tab: `lumadb complete -- WORDS` prints what can follow. Its scripts
 * for zsh and fish are used as they are. That for bash is our own: theirs needs the package bash-completion, fails when it
 * is read a second time, offers no file names, and evaluates the words, so that Tab would run a $(…) that is in them.
 */
import completions, { script } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { print } from './output.js';

export type Shell = 'bash' | 'zsh' | 'fish';

/** The command that the scripts call; it is not offered itself. */
const COMPLETE = 'complete';

export function addComplete(program: Command): void {
  tab(program, { completionCommandName: COMPLETE });
  completions.commands.delete(COMPLETE);
}

export function printScript(shell: Shell): void {
  if (shell === 'bash') print(BASH_SCRIPT);
  else script(shell, 'lumadb', 'lumadb');
}

/** Bash takes --flag=value apart at the =, which is a word then. Without an answer it offers file names. */
const BASH_SCRIPT = `# bash completion for lumadb
_lumadb_complete() {
    local word line value current
    local -a words=()
    for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
        [[ $word == = ]] || words+=("$word")
    done
    current=\${COMP_WORDS[COMP_CWORD]}
    [[ $current == = ]] && current= && words+=("")
    COMPREPLY=()
    while IFS= read -r line; do
        value=\${line%%$'\\t'*}
        [[ $line != :* && $value == "$current"* ]] && COMPREPLY+=("$value")
    done < <(lumadb ${COMPLETE} -- "\${words[@]}" 2>/dev/null)
}
complete -o default -F _lumadb_complete lumadb`;
