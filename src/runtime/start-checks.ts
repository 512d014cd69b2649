/** What is asked of a configuration before anything is touched, beside its own limits. Main thread. */
import { checkExposure } from '../config/exposure.js';
import type { Config } from '../config/schema.js';
import { checkSchedule } from './backup-schedule/scheduler.js';
import { storedUserCount } from './security-files.js';
import { requireUsableTls } from './tls-files.js';

/** Throws DbError('CONFIG') with what to do about it. */
export function requireStartable(config: Config): void {
  requireUsableTls(config);
  checkSchedule(config);
  checkExposure(config, storedUserCount(config.storage.data_dir));
}
