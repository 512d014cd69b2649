/**
 * The server log: pino to <logs>/server.log, from warn on also to <logs>/error.log, and to standard output. Main thread only;
 * other threads send lines here.
 */
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import { logDirectory } from '../config/load.js';
import { LOG_FILES } from '../config/log-files.js';
import type { Config } from '../config/schema.js';
import { isJournal, journalPriority } from './journal.js';
import { LogFile } from './log-file.js';

export interface ServerLog {
  readonly logger: Logger;
  /** Opens the files anew; after a rotation. */
  /** Returns why files were not opened anew. */
  reopen(): readonly Error[];
  /** Writes what is buffered. */
  flush(): void;
}

/** One line a record for people: time, level, message, fields. */
export function formatTextLine(json: string): string {
  const {
    level,
    time,
    msg,
    pid: _pid,
    hostname: _hostname,
    ...fields
  } = JSON.parse(json) as Record<string, unknown>;
  const name = pino.levels.labels[Number(level)] ?? 'info';
  const rest = Object.entries(fields).map(
    ([key, value]) => `${key}=${typeof value === 'string' ? quoteIfNeeded(value) : JSON.stringify(value)}`,
  );
  return `${[String(time), name.toUpperCase().padEnd(5), String(msg), ...rest].join(' ')}\n`;
}

function quoteIfNeeded(text: string): string {
  return /[\s"=]/.test(text) ? JSON.stringify(text) : text;
}

const STDOUT = 1;
/** Lines kept while the file cannot be written, in bytes; beyond it they are dropped. */
const UNWRITTEN_BYTES_MAX = 1024 * 1024;
const LEVEL_WARN = 40;

/** A full disk must not end the server: lines wait for space, and standard output has them meanwhile. */
function openSink(to: string | number): LogFile {
  return new LogFile({
    to,
    isBuffered: false,
    unwrittenBytesMax: UNWRITTEN_BYTES_MAX,
    // There is nowhere left to say it.
    onError: () => {},
  });
}

/** `requestId`: of the request that a line is written for; undefined for those that no request has caused. */
export function openServerLog(
  config: Config,
  requestId: () => string | undefined = () => undefined,
): ServerLog {
  const directory = logDirectory(config);
  const all = openSink(join(directory, LOG_FILES.server));
  const errors = openSink(join(directory, LOG_FILES.error));
  // Not process.stdout: whoever read our output may be gone (`| head`, a restarted journal), and the server goes on.
  const output = config.logging.stdout ? openSink(STDOUT) : undefined;
  const isText = config.logging.format === 'text';
  const hasJournal = isJournal(STDOUT);
  const stream = {
    // pino sets it before each write.
    lastLevel: 0,
    write(json: string): void {
      const line = isText ? formatTextLine(json) : json;
      all.write(line);
      if (this.lastLevel >= LEVEL_WARN) errors.write(line);
      output?.write(hasJournal ? `${journalPriority(this.lastLevel)}${line}` : line);
    },
    // pino's way to ask for lastLevel.
    [Symbol.for('pino.metadata')]: true,
  };
  const options = {
    level: config.logging.level,
    timestamp: pino.stdTimeFunctions.isoTime,
    mixin: () => {
      const id = requestId();
      return id === undefined ? {} : { request_id: id };
    },
    // The id comes last: lines are searched for by what they say first.
    mixinMergeStrategy: (fields: object, id: object) => ({ ...fields, ...id }),
  };
  const logger = pino(options, stream);
  const files = [all, errors];
  return {
    logger,
    reopen: () => files.flatMap((file) => file.reopen()),
    flush: () => {
      for (const file of files) file.flush();
    },
  };
}
