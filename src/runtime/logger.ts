/** The server log: pino to <logs>/server.log and to standard output. Main thread only; other threads send lines here. */
import { join } from 'node:path';
import pino, { type Logger } from 'pino';
import sonicBoom from 'sonic-boom';
import { logDirectory } from '../config/load.js';
import type { Config } from '../config/schema.js';

/** sonic-boom is CommonJS whose default export is the class itself. */
const SonicBoom = sonicBoom as unknown as typeof import('sonic-boom').SonicBoom;

export interface ServerLog {
  readonly logger: Logger;
  /** Opens the file anew; after a rotation. */
  reopen(): void;
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

export function openServerLog(config: Config): ServerLog {
  const file = new SonicBoom({
    dest: join(logDirectory(config), 'server.log'),
    mkdir: true,
    sync: true,
    maxLength: UNWRITTEN_BYTES_MAX,
  });
  // A full disk must not end the server: lines wait for space, and standard output has them meanwhile.
  file.on('error', () => {});
  // Not process.stdout: whoever read our output may be gone (`| head`, a restarted journal), and the server goes on.
  const output = config.logging.stdout
    ? new SonicBoom({ fd: STDOUT, sync: true, maxLength: UNWRITTEN_BYTES_MAX })
    : undefined;
  output?.on('error', () => {});
  const isText = config.logging.format === 'text';
  const stream = {
    write(json: string): void {
      const line = isText ? formatTextLine(json) : json;
      file.write(line);
      output?.write(line);
    },
  };
  const logger = pino({ level: config.logging.level, timestamp: pino.stdTimeFunctions.isoTime }, stream);
  const flush = (): void => {
    try {
      file.flushSync();
    } catch {
      // There is nowhere left to say it.
    }
  };
  return { logger, reopen: () => file.reopen(), flush };
}
