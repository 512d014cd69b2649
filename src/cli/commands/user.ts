/** `lumadb user`: creates, lists, changes and deletes users, of a running server or, with --data-dir, of a stopped one. */
import type { Command } from 'commander';
import type { SecurityDirectory } from '../../auth/security-directory.js';
import { shownUser } from '../../auth/shown-user.js';
import { addConnectionOptions, ask, type ConnectionOptions } from '../connection.js';
import { CliError, EXIT_OK, EXIT_USAGE, print, printJson } from '../output.js';
import {
  askPassword,
  generatePassword,
  PASSWORD_STDIN_OPTION,
  type PasswordOptions,
} from '../password-input.js';
import type { Done } from '../program.js';
import { plainTable } from '../render.js';

interface UserOptions extends ConnectionOptions, PasswordOptions {
  readonly username?: string;
  readonly role?: string;
  readonly newPassword?: boolean;
}

interface ShownUser {
  readonly username: string;
  readonly role: string;
  readonly disabled: boolean;
  readonly created_at: string;
  readonly updated_at: string;
}

const pathOf = (username: string): string => `/admin/users/${encodeURIComponent(username)}`;

/** With the server stopped: the same rules on the same files, under the lock of the data directory. */
async function offline<T>(
  options: ConnectionOptions,
  work: (directory: SecurityDirectory) => Promise<T>,
): Promise<T | undefined> {
  if (options.dataDir === undefined) return undefined;
  const { readAnnouncement } = await import('../../runtime/data-directory.js');
  if (readAnnouncement(options.dataDir) !== null) return undefined;
  const { loadConfig } = await import('../../config/load.js');
  const { withSecurityDirectory } = await import('../../runtime/offline-security.js');
  const overrides = { storage: { data_dir: options.dataDir } };
  return withSecurityDirectory(
    loadConfig({ file: options.config, env: process.env, overrides }).config,
    work,
  );
}

async function create(options: UserOptions): Promise<number> {
  const { username, role } = options;
  if (username === undefined || role === undefined)
    throw new CliError(
      'name the user and the role: --username alice --role developer (lumadb user --help names the roles)',
      EXIT_USAGE,
    );
  const given = await askPassword(options, `Password of ${username}`, true);
  const password = given ?? generatePassword();
  const body = { username, role, password };
  const user =
    (await offline(options, (directory) => directory.createUser(body).then(shownUser))) ??
    (await ask<ShownUser>(options, '/admin/users', { method: 'POST', body }));
  if (options.json) printJson({ ...user, ...(given === undefined ? { password } : {}) });
  else {
    print(`user ${user.username} created with role ${user.role}`);
    if (given === undefined) print(`password: ${password}   (shown only now)`);
  }
  return EXIT_OK;
}

async function list(options: UserOptions): Promise<number> {
  const users =
    (await offline(options, async (directory) => directory.current.users.map(shownUser))) ??
    (await ask<{ users: readonly ShownUser[] }>(options, '/admin/users')).users;
  if (options.json) printJson({ users, total: users.length });
  else if (users.length === 0) print('no users: lumadb user create --username NAME --role ROLE makes one');
  else {
    const rows = users.map(({ username, role, disabled, created_at }) => [
      username,
      role,
      disabled ? 'disabled' : 'active',
      created_at,
    ]);
    print(plainTable(['username', 'role', 'state', 'created'], rows));
  }
  return EXIT_OK;
}

async function change(
  username: string,
  changes: { role?: string; password?: string; disabled?: boolean },
  options: UserOptions,
  said: string,
): Promise<number> {
  const user =
    (await offline(options, (directory) =>
      directory.changeUser(username, changes).then(({ after }) => shownUser(after)),
    )) ?? (await ask<ShownUser>(options, pathOf(username), { method: 'PATCH', body: changes }));
  if (options.json) printJson(user);
  else print(`user ${user.username} ${said}`);
  return EXIT_OK;
}

async function update(username: string, options: UserOptions): Promise<number> {
  const { role } = options;
  const isNewPassword = options.newPassword === true || options.passwordStdin === true;
  if (role === undefined && !isNewPassword)
    throw new CliError('say what to change: --role ROLE, --new-password or --password-stdin', EXIT_USAGE);
  if (!isNewPassword) return change(username, { role }, options, `has role ${role}`);
  const given = await askPassword(options, `New password of ${username}`, true);
  const password = given ?? generatePassword();
  const what =
    given === undefined ? `has a new password: ${password}   (shown only now)` : 'has a new password';
  const roleText = role === undefined ? '' : ` and role ${role}`;
  return change(
    username,
    { ...(role === undefined ? {} : { role }), password },
    options,
    `${what}${roleText}`,
  );
}

async function remove(username: string, options: UserOptions): Promise<number> {
  const done =
    (await offline(options, (directory) =>
      directory.deleteUser(username).then(({ name }) => ({ username: name, deleted: true })),
    )) ?? (await ask<{ username: string }>(options, pathOf(username), { method: 'DELETE' }));
  if (options.json) printJson(done);
  else print(`user ${done.username} deleted, with the API keys of this user`);
  return EXIT_OK;
}

export function registerUser(program: Command, done: Done): void {
  const user = program
    .command('user')
    .description('Create, list, change and delete users.')
    .addHelpText(
      'after',
      `
Roles and what they may do come from rbac.yaml (security.rbac_file); without one there are admin, developer, analyst,
readonly and monitoring. Without a terminal or --password-stdin a password is made up and printed once. With
--data-dir, users of a stopped server can be changed as well: the first one, before it listens to the network.

Example:
  $ lumadb user create --username alice --role developer`,
    );
  addConnectionOptions(user.command('create'))
    .description('Create a user.')
    .option('--username <name>', 'name of the user')
    .option('--role <role>', 'what the user may do')
    .option(...PASSWORD_STDIN_OPTION)
    .action(async (_options, command: Command) => done(await create(command.optsWithGlobals())));
  addConnectionOptions(user.command('list'))
    .description('List all users.')
    .action(async (_options, command: Command) => done(await list(command.optsWithGlobals())));
  addConnectionOptions(user.command('update <username>'))
    .description('Change the role or the password of a user.')
    .option('--role <role>', 'what the user may do from now on')
    .option('--new-password', 'a new password: asked for, or made up without a terminal; ends all logins')
    .option(...PASSWORD_STDIN_OPTION)
    .action(async (username: string, _options, command: Command) =>
      done(await update(username, command.optsWithGlobals())),
    );
  addConnectionOptions(user.command('disable <username>'))
    .description('Keep a user out, at once: logins and open connections end, API keys do not work.')
    .action(async (username: string, _options, command: Command) =>
      done(await change(username, { disabled: true }, command.optsWithGlobals(), 'is disabled')),
    );
  addConnectionOptions(user.command('enable <username>'))
    .description('Let a disabled user in again.')
    .action(async (username: string, _options, command: Command) =>
      done(await change(username, { disabled: false }, command.optsWithGlobals(), 'is enabled')),
    );
  addConnectionOptions(user.command('delete <username>'))
    .description('Delete a user and the API keys of the user.')
    .action(async (username: string, _options, command: Command) =>
      done(await remove(username, command.optsWithGlobals())),
    );
}
