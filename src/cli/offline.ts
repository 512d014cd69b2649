/** What the commands share that work on the files of a data directory. */
import type { Command } from 'commander';
import type { Config } from '../config/schema.js';
import { addJsonOption } from './connection.js';
import { printError } from './output.js';
import { startByteBar } from './progress.js';

export interface OfflineOptions {
  readonly config?: string;
  readonly dataDir?: string;
  readonly json?: boolean;
}

export function addOfflineOptions(command: Command): Command {
  command
    .option('--data-dir <dir>', 'the data directory (default: storage.data_dir)')
    .option('--config <file>', 'configuration file (default: ./config.toml, else /etc/lumadb/config.toml)');
  return addJsonOption(command);
}

export async function configOf(options: OfflineOptions): Promise<Config> {
  const { loadConfig } = await import('../config/load.js');
  const { config, warnings } = loadConfig({
    file: options.config,
    env: process.env,
    overrides: { storage: { data_dir: options.dataDir } },
  });
  for (const warning of warnings) printError(`warning: ${warning}`);
  return config;
}

/** Runs long work with a bar of its bytes on a terminal. */
export async function withBar<T>(
  what: string,
  work: (onProgress: (done: number, total: number) => void) => T,
): Promise<T> {
  const bar = await startByteBar(what);
  try {
    return work((done, total) => bar.update(done, total));
  } finally {
    bar.stop();
  }
}

/** `1536` → `1.5 KiB`. */
export function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1024 && unit < units.length - 1; unit++) value /= 1024;
  return unit === 0 ? `${bytes} bytes` : `${value.toFixed(1)} ${units[unit]}`;
}
