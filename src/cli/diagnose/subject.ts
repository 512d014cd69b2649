/** What is diagnosed: a server that answers or not, its process, its directories. Found once, before the pieces are made. */
import { networkInterfaces } from 'node:os';
import { resolve } from 'node:path';
import type { LoadedConfig } from '../../config/load.js';
import { answerMessage, type ConnectionOptions, call, resolveTarget, type Target } from '../connection.js';

/** A server that needs longer for this is reported as one that does not answer. */
const PROBE_TIMEOUT_MS = 5000;
const DIAGNOSTICS_TIMEOUT_MS = 10_000;

export interface ServerFound {
  readonly target: Target;
  /** The answer of GET /admin/diagnostics, or why there is none. */
  readonly diagnostics: { readonly text: string; readonly body: ServerDiagnostics } | Error;
}

/** The part of GET /admin/diagnostics that the command goes by. */
export interface ServerDiagnostics {
  readonly process?: { readonly pid?: number };
  readonly directories?: { readonly data?: string; readonly logs?: string };
  readonly threads?: ReadonlyArray<{ readonly name: string; readonly os_thread_id?: number | null }>;
}

export interface Subject {
  readonly server: ServerFound | undefined;
  /** Why there is none. */
  readonly serverFailed: string | null;
  /** False when the server runs on another machine, whose files and processes we cannot see. */
  readonly isHere: boolean;
  /** Of the server, whether it answers or not; null when none runs here. */
  readonly pid: number | null;
  readonly dataDirectory: string;
  readonly logDirectory: string;
  /** The configuration that a start here and now would use, or why there is none. */
  readonly config: LoadedConfig | Error;
}

export async function findSubject(options: ConnectionOptions): Promise<Subject> {
  const { logDirectory } = await import('../../config/load.js');
  const config = await loadConfigHere(options);
  const loaded = config instanceof Error ? undefined : config.config;
  const found = await findServer(options);
  const server = found instanceof Error ? undefined : found;
  const isHere = await runsHere(server?.target.host ?? options.host);
  const answer =
    server === undefined || server.diagnostics instanceof Error ? undefined : server.diagnostics.body;
  const dataDirectory = resolve(
    (isHere ? answer?.directories?.data : undefined) ??
      options.dataDir ??
      loaded?.storage.data_dir ??
      process.env['LUMADB_STORAGE__DATA_DIR'] ??
      'data',
  );
  const configuredLogs = loaded === undefined ? resolve(dataDirectory, 'logs') : logDirectory(loaded);
  const pid = answer?.process?.pid ?? server?.target.pid ?? (await announcedPid(dataDirectory));
  return {
    server,
    serverFailed: found instanceof Error ? found.message : null,
    isHere,
    pid: isHere ? pid : null,
    dataDirectory,
    logDirectory: resolve((isHere ? answer?.directories?.logs : undefined) ?? configuredLogs),
    config,
  };
}

/** A configuration with faults is no reason to give up: it may be why somebody diagnoses. */
async function loadConfigHere({ config, dataDir }: ConnectionOptions): Promise<LoadedConfig | Error> {
  const { loadConfig } = await import('../../config/load.js');
  try {
    return loadConfig({
      file: config,
      env: process.env,
      overrides: { storage: { data_dir: dataDir } },
      changes: 'stored',
    });
  } catch (error) {
    return error as Error;
  }
}

async function findServer(options: ConnectionOptions): Promise<ServerFound | Error> {
  try {
    const target = await resolveTarget(options);
    const alive = await call(target, '/live', { timeoutMs: PROBE_TIMEOUT_MS });
    if (alive.status !== 200) return new Error(`${target.url}: ${answerMessage(alive)}`);
    return { target, diagnostics: await askDiagnostics(target) };
  } catch (error) {
    return error as Error;
  }
}

/** First of all: it says where everything else is. */
async function askDiagnostics(target: Target): Promise<ServerFound['diagnostics']> {
  try {
    const answer = await call(target, '/admin/diagnostics', { timeoutMs: DIAGNOSTICS_TIMEOUT_MS });
    if (answer.status !== 200) return new Error(answerMessage(answer));
    return { text: answer.text, body: (answer.body ?? {}) as ServerDiagnostics };
  } catch (error) {
    return error as Error;
  }
}

async function runsHere(host: string | undefined): Promise<boolean> {
  if (host === undefined) return true;
  const { isLoopback } = await import('../../config/exposure.js');
  const address = host.replace(/^\[(.*)\]$/, '$1');
  const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  return isLoopback(host) || own.some((each) => each.address === address);
}

/** A server that hangs has announced itself once. */
async function announcedPid(dataDirectory: string): Promise<number | null> {
  const { readAnnouncement } = await import('../../runtime/data-directory.js');
  return readAnnouncement(dataDirectory)?.pid ?? null;
}
