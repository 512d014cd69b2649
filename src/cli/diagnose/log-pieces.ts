/** The ends of the log files. They are read from the disk, so that a server that does not answer has them too. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { LOG_FILES } from '../../config/log-files.js';
import { readTail } from './bounded-file.js';
import type { Piece } from './piece.js';

const TAIL_BYTES_MAX = 1024 * 1024;
const LIMIT_MS = 10_000;

/** Those that are there: a server that never had a slow statement need not have a log of them. */
export function logPieces(directory: string): Piece[] {
  return Object.values(LOG_FILES)
    .filter((name) => existsSync(join(directory, name)))
    .map((name) => ({
      name: `logs/${name}`,
      source: 'machine',
      limitMs: LIMIT_MS,
      make: () => {
        const { text, sizeBytes } = readTail(join(directory, name), TAIL_BYTES_MAX);
        return sizeBytes <= TAIL_BYTES_MAX
          ? { text }
          : { text, note: `the last ${TAIL_BYTES_MAX} of ${sizeBytes} bytes` };
      },
    }));
}
