/** Users of a stopped server: the same directory of users, under the lock of the data directory. For the CLI. */
import { SecurityDirectory } from '../auth/security-directory.js';
import { systemClock } from '../base/clock.js';
import { logDirectory } from '../config/load.js';
import type { Config } from '../config/schema.js';
import { AuditLog } from './audit-log.js';
import { openDataDirectory } from './data-directory.js';
import { readRoles } from './roles-file.js';
import { securityStore } from './security-files.js';

/** Creates the data directory if there is none yet: the first user comes before the first start. */
export async function withSecurityDirectory<T>(
  config: Config,
  work: (directory: SecurityDirectory) => Promise<T>,
): Promise<T> {
  const held = openDataDirectory(config.storage.data_dir, { shards: config.sharding.shards });
  const audit = new AuditLog(logDirectory(config), systemClock, () => {});
  try {
    const roles = readRoles(config.security.rbac_file);
    const directory = new SecurityDirectory(
      securityStore(held.path),
      systemClock,
      () => Object.keys(roles),
      () => {
        const by = { name: process.env['USER'] ?? 'offline', role: '', kind: 'local', address: '-' } as const;
        audit.write({
          action: 'offline-users',
          by,
          after: {
            users: directory.current.users.map(({ name, role, disabled }) => ({ name, role, disabled })),
          },
        });
      },
    );
    return await work(directory);
  } finally {
    audit.flush();
    held.release();
  }
}
