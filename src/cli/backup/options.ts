/** Options that several of the backup commands share, and what they mean with the configuration. */
import { type Command, InvalidArgumentError } from 'commander';
import type { Config } from '../../config/schema.js';
import { CliError, EXIT_USAGE } from '../output.js';
import { readKey } from './key.js';
import { parseSize } from './size.js';

export interface BackupStoreOptions {
  readonly encryptKeyFile?: string;
  readonly rateLimit?: number;
  readonly parallel?: number;
}

const PARALLEL_MAX = 64;

export function parseParallel(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > PARALLEL_MAX)
    throw new InvalidArgumentError(`It must be a whole number from 1 to ${PARALLEL_MAX}.`);
  return count;
}

export function parseRate(text: string): number {
  const bytes = parseSize(text);
  if (bytes === null) throw new InvalidArgumentError('It must be a size such as 50MB or 512KiB.');
  return bytes;
}

export function parseNames(text: string): string[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))];
  if (names.some((name) => name === ''))
    throw new InvalidArgumentError('It must be names with commas between.');
  return names;
}

export const addKeyOption = (command: Command): Command =>
  command.option(
    '--encrypt-key-file <file>',
    'file with the key of encrypted backups (default: backup.encrypt_key_file)',
  );

export const addRateOption = (command: Command): Command =>
  command.option('--rate-limit <size>', 'bytes a second over all, such as 50MB', parseRate);

export const keyOf = ({ encryptKeyFile }: BackupStoreOptions, config: Config): Uint8Array | undefined =>
  readKey(encryptKeyFile ?? config.backup.encrypt_key_file);

/** Where the backups of the schedule are, unless another folder is named. */
export function folderOf(source: string | undefined, config: Config): string {
  const location = source ?? config['backup.schedule'].destination;
  if (location !== '') return location;
  throw new CliError(
    'name the folder of backups with --source (or set backup.schedule.destination)',
    EXIT_USAGE,
  );
}

/** Commander would ask for it also where only a subcommand is meant. */
export function required(value: string | undefined, option: string): string {
  if (value === undefined || value === '') throw new CliError(`${option} is required`, EXIT_USAGE);
  return value;
}
