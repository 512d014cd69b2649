/** How a failed file operation is reported: one DbError('IO') that names operation, path and errno. */
import { DbError } from '../base/errors.js';

/** Wraps what a system call threw. `details` is {file, operation, errno}; errno is the symbolic name, e.g. 'EIO'. */
export function ioError(operation: string, path: string, cause: unknown): DbError {
  const errno = errnoOf(cause);
  return new DbError(
    'IO',
    `${operation} failed on ${path}: ${errno}${explain(errno)}`,
    { file: path, operation, errno },
    { cause },
  );
}

/** The same for failures that no system call reported, such as those of the memory and fault file systems. */
export function ioErrorFromErrno(operation: string, path: string, errno: string): DbError {
  return ioError(
    operation,
    path,
    Object.assign(new Error(`${errno}, ${operation} '${path}'`), { code: errno }),
  );
}

/** True when `error` is a DbError('IO') for this errno. */
export function isIoError(error: unknown, errno: string): boolean {
  return error instanceof DbError && error.code === 'IO' && error.details?.['errno'] === errno;
}

function errnoOf(cause: unknown): string {
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code;
  return 'UNKNOWN';
}

function explain(errno: string): string {
  switch (errno) {
    case 'ENOSPC':
      return ' (no space left on the device)';
    case 'EIO':
      return ' (the device reported an error)';
    case 'EMFILE':
      return ' (too many open files in this process)';
    case 'EROFS':
      return ' (the file system is mounted read-only)';
    case 'EBADF':
      return ' (the handle is closed, or not open for that)';
    case 'ELOOP':
      return ' (a symbolic link where none is followed)';
    case 'ENOENT':
      return ' (no such file or directory)';
    default:
      return '';
  }
}
