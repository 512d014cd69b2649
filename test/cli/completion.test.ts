/** Tab, as bash presses it: the real script in a real bash without anything else, which asks the real command. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { CLI_MAIN } from '../support/server.js';
import { runCli, temporaryDirectory } from './run-cli.js';

/** What bash offers for each list of words, the last of which the cursor is at. */
function offers(
  t: ExecutionContext,
  lines: ReadonlyArray<readonly string[]>,
): { cwd: string; found: string[][] } {
  const cwd = temporaryDirectory(t);
  const bin = join(cwd, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'lumadb'), `#!/bin/sh\nexec ${process.execPath} ${CLI_MAIN} "$@"\n`, {
    mode: 0o755,
  });
  const quoted = (words: readonly string[]): string => words.map((word) => `'${word}'`).join(' ');
  const presses = lines.map(
    (words) =>
      `COMP_WORDS=(lumadb ${quoted(words)}); COMP_CWORD=${words.length}; _lumadb_complete; echo "\${COMPREPLY[*]}"`,
  );
  // Twice, as a second `source ~/.bashrc` does.
  const source = 'source <(lumadb completion bash)';
  const bash = spawnSync('bash', ['--norc', '-c', [source, source, ...presses].join('\n')], {
    cwd,
    env: { PATH: `${bin}:${process.env['PATH'] ?? ''}` },
    encoding: 'utf8',
  });
  t.is(bash.stderr, '');
  const found = bash.stdout.trimEnd().split('\n');
  t.is(found.length, lines.length, bash.stdout);
  return { cwd, found: found.map((line) => line.split(' ')) };
}

test('Tab in bash completes commands, flags and fixed values, and runs nothing of the line', (t) => {
  const { cwd, found } = offers(t, [
    ['sta'],
    ['user', ''],
    ['start', '--p'],
    ['import', 'orders', 'orders.csv', '--format', ''],
    ['import', 'orders', 'orders.csv', '--format', '=', 'pa'],
    ['import', 'orders', 'orders.csv', '--format', '='],
    ['completion', 'z'],
    ['comple'],
    ['query', '"$(touch ran)"', '--js'],
  ]);
  t.deepEqual(found[0], ['start', 'status']);
  for (const command of ['create', 'list', 'update', 'delete']) t.true(found[1].includes(command), command);
  t.deepEqual(found[2], ['--port']);
  t.deepEqual(found[3], ['jsonl', 'csv', 'parquet']);
  t.deepEqual(found[4], ['parquet']);
  t.deepEqual(found[5], ['jsonl', 'csv', 'parquet']);
  t.deepEqual(found[6], ['zsh']);
  t.deepEqual(found[7], ['completion']);
  t.deepEqual(found[8], ['--json']);
  t.false(existsSync(join(cwd, 'ran')));
});

test('there are scripts for zsh and fish, and other shells are wrong usage', async (t) => {
  const cwd = temporaryDirectory(t);
  const [zsh, fish, other] = await Promise.all(
    ['zsh', 'fish', 'tcsh'].map((shell) => runCli(['completion', shell], { cwd })),
  );
  t.is(zsh.code, 0, zsh.stderr);
  t.regex(zsh.stdout, /^#compdef lumadb$/m);
  t.is(fish.code, 0, fish.stderr);
  t.regex(fish.stdout, /^complete -c lumadb /m);
  t.is(other.code, 2);
  t.regex(other.stderr, /Allowed choices are bash, zsh, fish/);
});
