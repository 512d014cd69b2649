/** The names of all log files that a server writes into `logging.directory`, for those who write and those who read them. */

export const LOG_FILES = {
  server: 'server.log',
  error: 'error.log',
  query: 'query.log',
  slowQuery: 'slow-query.log',
  access: 'access.log',
  audit: 'audit.log',
} as const;
