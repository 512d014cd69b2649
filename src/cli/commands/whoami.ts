/** `lumadb whoami` */
import type { Command } from 'commander';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';

interface Caller {
  readonly username: string;
  readonly role: string;
  readonly login: string;
  readonly expires_at: string | null;
  readonly address: string;
  readonly permissions: readonly string[];
  readonly limited_to: readonly string[] | null;
}

const LOGINS: Readonly<Record<string, string>> = {
  token: 'a login',
  'api-key': 'an API key',
  local: "the token in the server's data directory",
  trusted: 'nothing: the server asks nobody on its machine',
};

const listed = (patterns: readonly string[]): string => (patterns.length === 0 ? '-' : patterns.join(', '));

async function whoami(options: ConnectionOptions): Promise<number> {
  const caller = await ask<Caller>(options, '/auth/me');
  if (options.json) {
    printJson(caller);
    return EXIT_OK;
  }
  const { render } = await import('../render.js');
  const { username, role, login, expires_at, address, permissions, limited_to } = caller;
  print(
    render({
      username,
      role,
      'shown by': LOGINS[login] ?? login,
      expires: expires_at ?? 'never',
      address,
      permissions: listed(permissions),
      ...(limited_to === null ? {} : { 'limited to': listed(limited_to) }),
    }),
  );
  return EXIT_OK;
}

export function registerWhoami(program: Command, done: Done): void {
  addConnectionOptions(program.command('whoami'))
    .description('Show as whom commands go to a server: user, role and permissions.')
    .addHelpText(
      'after',
      `
Fails (exit 1) when the server does not know the caller. Another one: lumadb login, --token or LUMADB_TOKEN.

Example:
  $ lumadb whoami --json | jq -r .role`,
    )
    .action(async (_options, command: Command) => done(await whoami(command.optsWithGlobals())));
}
