/** What is told of a user: all but the secrets. */
import type { UserRecord } from './security-file.js';

export function shownUser({ name, role, disabled, created_at, updated_at }: UserRecord) {
  return { username: name, role, disabled, created_at, updated_at };
}
