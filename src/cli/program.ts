/** Puts the commands together and turns every way to end into an exit code: 0 ok, 1 failed, 2 usage. */
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../base/version.js';
import { registerApiKey } from './commands/apikey.js';
import { registerBackup } from './commands/backup.js';
import { registerCompact } from './commands/compact.js';
import { registerCompletion } from './commands/completion.js';
import { registerConfig } from './commands/config.js';
import { registerDebug } from './commands/debug.js';
import { registerDiagnose } from './commands/diagnose.js';
import { registerExport } from './commands/export.js';
import { registerFsck } from './commands/fsck.js';
import { registerGc } from './commands/gc.js';
import { registerHealth } from './commands/health.js';
import { registerHelp } from './commands/help.js';
import { registerImport } from './commands/import.js';
import { registerLogin } from './commands/login.js';
import { registerPing } from './commands/ping.js';
import { registerQuery } from './commands/query.js';
import { registerRebuildIndexes } from './commands/rebuild-indexes.js';
import { registerRepair } from './commands/repair.js';
import { registerReshard } from './commands/reshard.js';
import { registerRestore } from './commands/restore.js';
import { registerShutdown } from './commands/shutdown.js';
import { registerStart } from './commands/start.js';
import { registerStatus } from './commands/status.js';
import { registerTop } from './commands/top.js';
import { registerUser } from './commands/user.js';
import { registerVersion } from './commands/version.js';
import { registerWal } from './commands/wal.js';
import { registerWhoami } from './commands/whoami.js';
import { parsePort } from './connection.js';
import { EXIT_OK, EXIT_USAGE, printError, reportFailure } from './output.js';

/** Takes the exit code of the command that ran. */
export type Done = (exitCode: number) => void;

/** Commander's message, on one line. `path`: the command whose usage it was, as it is typed. */
function usageLine(message: string, path: string): string {
  const line = message
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ');
  return `lumadb: ${line} (see ${path} --help)`;
}

/** Errors of usage point to the help of the command that they are about. */
function explainUsage(command: Command, path: string): void {
  command.configureOutput({ outputError: (message) => printError(usageLine(message, path)) });
  for (const child of command.commands) explainUsage(child, `${path} ${child.name()}`);
}

export function buildProgram(done: Done): Command {
  const program = new Command('lumadb')
    .description('LumaDB, a document database server that gets everything out of one machine.')
    .version(packageVersion(), '-V, --version', 'print the version')
    .option('--host <host>', 'host of the server; for start, the address to listen on')
    .option('--port <port>', 'port of the server; for start, the port to listen on', parsePort)
    .option('--json', 'print JSON, for scripts')
    // What commands with commands inherit; the program's own looks at more than one word.
    .helpCommand('help [command]', 'explain a command')
    .helpCommand(false)
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  $ lumadb start                          serve ./data on 127.0.0.1:8080
  $ lumadb ping                           is it there, and how fast does it answer?
  $ lumadb config validate config.toml    check a configuration before a restart
  $ lumadb shutdown --graceful            finish what runs, write everything, stop

Exit codes: 0 ok, 1 failed, 2 wrong usage. LUMADB_DEBUG=1 prints the stack of a failure.
Every command explains itself: lumadb help COMMAND`,
    );
  registerStart(program, done);
  registerPing(program, done);
  registerStatus(program, done);
  registerTop(program, done);
  registerHealth(program, done);
  registerShutdown(program, done);
  registerQuery(program, done);
  registerImport(program, done);
  registerExport(program, done);
  registerUser(program, done);
  registerLogin(program, done);
  registerWhoami(program, done);
  registerApiKey(program, done);
  registerBackup(program, done);
  registerCompact(program, done);
  registerGc(program, done);
  registerDebug(program, done);
  registerDiagnose(program, done);
  registerConfig(program, done);
  registerRestore(program, done);
  registerFsck(program, done);
  registerRepair(program, done);
  registerRebuildIndexes(program, done);
  registerReshard(program, done);
  registerWal(program, done);
  registerCompletion(program, done);
  registerVersion(program, done);
  registerHelp(program);
  explainUsage(program, program.name());
  return program;
}

/** Runs one command line and returns its exit code. Never throws. */
export async function run(args: readonly string[]): Promise<number> {
  let exitCode: number = EXIT_OK;
  try {
    const program = buildProgram((code) => {
      exitCode = code;
    });
    // What a shell asks on Tab: nobody types it, and other commands start without what it needs.
    if (args[0] === 'complete') (await import('./completion.js')).addComplete(program);
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) return reportFailure(error);
    const asked = error.code === 'commander.helpDisplayed' || error.code === 'commander.version';
    return asked || (error.code === 'commander.help' && error.exitCode === 0) ? EXIT_OK : EXIT_USAGE;
  }
}
