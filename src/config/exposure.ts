/** Decides whether a configuration would leave the data open to the network, or promises a protection that is not there. */
import { DbError } from '../base/errors.js';
import type { Config } from './schema.js';

/** True for 127.0.0.0/8, ::1 and localhost, in the spellings people use. */
export function isLoopback(host: string): boolean {
  const name = host.toLowerCase().replace(/^\[(.*)\]$/, '$1');
  if (name === 'localhost' || name === '::1' || name === '0:0:0:0:0:0:0:1') return true;
  return /^(::ffff:)?127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name);
}

/** Throws DbError('CONFIG') when the server must not start with this configuration. */
export function checkExposure(config: Config): void {
  const { host, insecure } = config.server;
  if (config.security.require_auth === true) {
    throw new DbError(
      'CONFIG',
      'security.require_auth = true cannot be kept: this release has no users, so nobody could log in. ' +
        'Use "auto" and listen on 127.0.0.1, or put a proxy that authenticates in front.',
      { key: 'security.require_auth' },
    );
  }
  if (isLoopback(host) || insecure) return;
  throw new DbError(
    'CONFIG',
    `refusing to listen on ${host}: no users exist yet, so anyone who reaches the port could read and change ` +
      'everything. Listen on 127.0.0.1 (server.host), or pass --insecure (server.insecure = true) if the network ' +
      'around this machine is the protection.',
    { key: 'server.host', host },
  );
}
