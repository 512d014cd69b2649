/**
 * Logins that `lumadb login` has saved: one token for each server, in a file that only its owner can read
 * ($XDG_CONFIG_HOME/lumadb/credentials.json, else ~/.config/lumadb/credentials.json).
 */
import { chmodSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { systemClock } from '../base/clock.js';
import { makeDirectories } from '../base/make-directories.js';
import { CliError } from './output.js';

interface SavedLogin {
  readonly token: string;
  readonly username: string;
  readonly expires_at: string;
}

type Logins = Readonly<Record<string, SavedLogin>>;

export function credentialsFile(): string {
  const base = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config');
  return join(base, 'lumadb', 'credentials.json');
}

/** Undefined when there is none, or it has expired. `url`: of the server. */
export function savedLogin(url: string): SavedLogin | undefined {
  const login = readLogins()[url];
  return login === undefined || Date.parse(login.expires_at) <= systemClock.wallMs() ? undefined : login;
}

export function saveLogin(url: string, login: SavedLogin): void {
  writeLogins({ ...readLogins(), [url]: login });
}

/** False when there was none. */
export function forgetLogin(url: string): boolean {
  const { [url]: found, ...others } = readLogins();
  if (found === undefined) return false;
  writeLogins(others);
  return true;
}

function readLogins(): Logins {
  const file = credentialsFile();
  if (!existsSync(file)) return {};
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as Logins;
  } catch (error) {
    throw new CliError(`cannot read the saved logins in ${file}: ${(error as Error).message}`);
  }
}

function writeLogins(logins: Logins): void {
  const file = credentialsFile();
  makeDirectories(dirname(file), 0o700);
  const temporary = `${file}.${process.pid}.tmp`;
  writeFileSync(temporary, `${JSON.stringify(logins, null, 2)}\n`, { mode: 0o600 });
  // The mode above is not applied to a file that was there.
  chmodSync(temporary, 0o600);
  renameSync(temporary, file);
}
