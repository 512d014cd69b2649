/** Decides whether a configuration would leave the data open to the network, or promises a protection that is not there. */
import { DbError } from '../base/errors.js';
import type { Config } from './schema.js';

/** True for 127.0.0.0/8, ::1 and localhost, in the spellings people use. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name === '::1' || name === '0:0:0:0:0:0:0:1') return true;
  return /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** Whether who shows no credentials is turned away. `users`: how many there are. */
export function requiresLogin({ server, security }: Config, users: number): boolean {
  if (security.require_auth !== 'auto') return security.require_auth;
  return isForOthers(server) && (users > 0 || !server.insecure);
}

/** A proxy on this machine passes on what comes from others. */
function isForOthers({ host, trusted_proxies }: Config['server']): boolean {
  return !isLoopback(host) || trusted_proxies.length > 0;
}

/** Throws DbError('CONFIG') when the server must not start with this configuration and so many users. */
export function checkExposure(config: Config, users: number): void {
  const { host, insecure } = config.server;
  if (!isForOthers(config.server) || insecure) return;
  const key = { key: 'server.host', host };
  const what = isLoopback(host)
    ? `serve others through server.trusted_proxies on ${host}`
    : `listen on ${host}`;
  if (config.security.require_auth === false)
    throw new DbError(
      'CONFIG',
      `refusing to ${what} with security.require_auth = false: anyone who reaches the port could read and ` +
        'change everything. Leave it at "auto", or pass --insecure (server.insecure = true) if the network around ' +
        'this machine is the protection.',
      key,
    );
  // On loopback the CLI can make one while the server runs.
  if (users > 0 || isLoopback(host)) return;
  throw new DbError(
    'CONFIG',
    `refusing to listen on ${host}: there is no user, so nobody could log in. Create one first, with ` +
      `"lumadb user create --username admin --role admin --data-dir ${config.storage.data_dir}" while the server is ` +
      'stopped; or listen on 127.0.0.1 (server.host), or pass --insecure (server.insecure = true) if the network ' +
      'around this machine is the protection.',
    key,
  );
}
