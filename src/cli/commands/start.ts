/** `lumadb start`: runs the server in this process until it stops. */
import { resolve } from 'node:path';
import type { Command } from 'commander';
import pc from 'picocolors';
import type { Config, ConfigOverrides } from '../../config/schema.js';
import type { RunningServer, StartServer } from '../../runtime/server-api.js';
import { parsePort } from '../connection.js';
import { print, printError } from '../output.js';
import type { Done } from '../program.js';

interface StartOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly host?: string;
  readonly port?: number;
  readonly insecure?: boolean;
  readonly jsonLogs?: boolean;
  readonly recoveryMode?: boolean;
}

function overridesOf(options: StartOptions): ConfigOverrides {
  return {
    server: { host: options.host, port: options.port, insecure: options.insecure },
    storage: { data_dir: options.dataDir },
    logging: { format: options.jsonLogs ? 'json' : undefined },
  };
}

/**
 * SIGTERM and SIGINT: the first drains, the second forces. The process ends only when `stopped` resolves:
 * leaving while a worker still has sockets open would abort it.
 */
class Signals {
  private count = 0;
  private server: RunningServer | null = null;

  /** The time that a drain may take can be changed while the server runs. */
  constructor(private readonly limits: Pick<Config['server'], 'drain_timeout_ms'>) {}

  install(): void {
    process.on('SIGTERM', () => this.stop('SIGTERM'));
    process.on('SIGINT', () => this.stop('SIGINT'));
    process.on('SIGHUP', () => this.server?.reopenLogs?.());
  }

  /** A signal that came while the server was starting counts now. */
  attach(server: RunningServer): void {
    this.server = server;
    if (this.count > 0) this.shutdown('signal during start');
  }

  private stop(signal: string): void {
    this.count++;
    if (this.server !== null) this.shutdown(signal);
    else if (this.count > 1) {
      // Nothing can be drained yet, and recovery loses nothing by being cut off.
      printError(`lumadb: second ${signal} during start: ending at once`);
      process.kill(process.pid, 'SIGKILL');
    }
  }

  private shutdown(reason: string): void {
    const mode = this.count > 1 ? 'force' : 'graceful';
    const timeoutMs = mode === 'force' ? 0 : this.limits.drain_timeout_ms;
    if (process.stderr.isTTY) {
      printError(mode === 'force' ? 'stopping at once' : 'draining; the same signal again stops at once');
    }
    this.server?.shutdown({ mode, timeoutMs, reason }).catch((error: unknown) => {
      // `stopped` decides how the process ends; this only must not vanish.
      printError(`lumadb: shutdown failed: ${error instanceof Error ? error.message : String(error)}`);
    });
  }
}

function banner(server: RunningServer, config: Config): void {
  if (!process.stdout.isTTY) return;
  const host = server.host.includes(':') ? `[${server.host}]` : server.host;
  const line = (name: string, value: string): void => print(`  ${pc.dim(name.padEnd(11))} ${value}`);
  print(pc.bold(`LumaDB ${server.version}`));
  line('url', pc.cyan(`http://${host}:${server.port}`));
  line('data', resolve(config.storage.data_dir));
  line('shards', String(server.shards));
  line('durability', config.wal.durability);
  print(pc.dim('  Ctrl+C drains and stops.'));
}

async function start(options: StartOptions): Promise<number> {
  const { checkConfig, loadConfig } = await import('../../config/load.js');
  const sources = { file: options.config, env: process.env, overrides: overridesOf(options) };
  const { config, warnings } = loadConfig({ ...sources, changes: 'stored' });
  const signals = new Signals(config.server);
  signals.install();
  const { startServer }: { startServer: StartServer } = await import('../../runtime/server.js');
  const server = await startServer({
    config,
    warnings,
    recoveryMode: options.recoveryMode,
    reload: (changes) => checkConfig({ ...sources, changes }),
  });
  banner(server, config);
  signals.attach(server);
  return await server.stopped;
}

export function registerStart(program: Command, done: Done): void {
  program
    .command('start')
    .description('Run the server in the foreground until it is stopped.')
    .option('--config <file>', 'configuration file (default: ./config.toml, else /etc/lumadb/config.toml)')
    .option('--data-dir <dir>', 'directory that holds all data (default: storage.data_dir)')
    .option('--host <host>', 'address to listen on (default: server.host)')
    .option('--port <port>', 'port to listen on; 0 picks a free one (default: server.port)', parsePort)
    .option('--insecure', 'allow listening beyond loopback without any user: no protection at all')
    .option(
      '--recovery-mode',
      'serve what can be read of a damaged database, read-only; nothing on disk is changed',
    )
    .option('--json-logs', 'log one JSON object a line')
    .addHelpText(
      'after',
      `
SIGTERM or Ctrl+C drains and stops, a second one stops at once; SIGHUP reopens the log files. Two servers
cannot hold one data directory. lumadb config show prints what a start would use.

Example:
  $ lumadb start --data-dir /var/lib/lumadb --port 9090`,
    )
    .action(async (_options, command: Command) => done(await start(command.optsWithGlobals())));
}
