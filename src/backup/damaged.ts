/** What is said of a file of a backup, of its stream or of a checkpoint that is not what it should be. */
import { DbError } from '../base/errors.js';

export function damaged(file: string, reason: string): DbError {
  return new DbError('CORRUPT_BACKUP', `${file} is damaged: ${reason}`, { file, reason });
}
