/** `lumadb login` and `logout`: a token for the commands of this user against one server. */
import type { Command } from 'commander';
import {
  addConnectionOptions,
  answerMessage,
  answerReason,
  type ConnectionOptions,
  call,
  resolveTarget,
} from '../connection.js';
import { forgetLogin, savedLogin, saveLogin } from '../credentials.js';
import { CliError, EXIT_FAILED, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import { askPassword, PASSWORD_STDIN_OPTION, type PasswordOptions } from '../password-input.js';
import type { Done } from '../program.js';

interface LoginOptions extends ConnectionOptions, PasswordOptions {
  readonly username?: string;
}

interface LoginAnswer {
  readonly token: string;
  readonly expires_at: string;
  readonly user: { readonly username: string; readonly role: string };
}

async function login(options: LoginOptions): Promise<number> {
  const { username } = options;
  if (username === undefined) throw new CliError('name the user: --username alice', EXIT_USAGE);
  const password = await askPassword(options, `Password of ${username}`, false);
  if (password === undefined)
    throw new CliError('there is no terminal to ask for the password: use --password-stdin', EXIT_USAGE);
  const to = await resolveTarget(options);
  const answer = await call({ ...to, token: undefined }, '/auth/login', {
    method: 'POST',
    body: { username, password },
  });
  if (answer.status === 401)
    throw new CliError(
      `${answerReason(answer)}. Who is an admin sets another: lumadb user update ${username} --new-password`,
    );
  if (answer.status !== 200) throw new CliError(answerMessage(answer));
  const { token, expires_at, user } = answer.body as LoginAnswer;
  saveLogin(to.url, { token, username: user.username, expires_at });
  if (options.json) printJson({ url: to.url, expires_at, user });
  else print(`logged in to ${to.url} as ${user.username} (${user.role}), until ${expires_at}`);
  return EXIT_OK;
}

async function logout(options: ConnectionOptions): Promise<number> {
  const to = await resolveTarget(options);
  const login = savedLogin(to.url);
  // Void on the server as well; where that cannot be done the token still ends with its time.
  const isVoid =
    login !== undefined &&
    (await call({ ...to, token: login.token }, '/auth/logout', { method: 'POST' }).then(
      ({ status }) => status === 200,
      () => false,
    ));
  const wasThere = forgetLogin(to.url);
  if (options.json) printJson({ url: to.url, logged_out: wasThere, revoked: isVoid });
  else if (!wasThere) print(`there was no login to ${to.url}`);
  else print(`logged out of ${to.url}${isVoid ? '' : ' here; the server could not be told'}`);
  return wasThere ? EXIT_OK : EXIT_FAILED;
}

export function registerLogin(program: Command, done: Done): void {
  addConnectionOptions(program.command('login'))
    .description('Log in to a server; later commands to it go under this user.')
    .option('--username <name>', 'name of the user')
    .option(...PASSWORD_STDIN_OPTION)
    .addHelpText(
      'after',
      `
The token is kept in ~/.config/lumadb/credentials.json (mode 0600) until it expires or lumadb logout. For scripts use an
API key in LUMADB_TOKEN (lumadb apikey create). On the server's own machine, who can read the data directory needs no
login: commands find the token in it.

Example:
  $ lumadb login --host db.example.com --port 8080 --username alice`,
    )
    .action(async (_options, command: Command) => done(await login(command.optsWithGlobals())));
  addConnectionOptions(program.command('logout'))
    .description('Make the login void and forget it.')
    .addHelpText(
      'after',
      `
Example:
  $ lumadb logout --host db.example.com --port 8080`,
    )
    .action(async (_options, command: Command) => done(await logout(command.optsWithGlobals())));
}
