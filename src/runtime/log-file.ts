/** A log file that is written by the main thread, in lines, and opened anew after a rotation. */
import { dirname } from 'node:path';
import sonicBoom from 'sonic-boom';
import { DbError } from '../base/errors.js';
import { makeDirectories } from '../base/make-directories.js';

/** sonic-boom is CommonJS whose default export is the class itself. */
const SonicBoom = sonicBoom as unknown as typeof import('sonic-boom').SonicBoom;

/** Written in one go, once so much has come together or the timer says so. */
const BUFFER_BYTES = 8 * 1024;
const FLUSH_INTERVAL_MS = 250;
/** Lines kept while the file cannot be written, in bytes; beyond it they are dropped. */
const UNWRITTEN_BYTES_MAX = 4 * 1024 * 1024;

/** As of the files with the documents: requests and statements have values of these in them. */
const FILE_MODE = 0o640;
const DIRECTORY_MODE = 0o777;

export interface LogFileOptions {
  /** A path, or the number of a file that is open. */
  readonly to: string | number;
  /** Lines may wait a quarter of a second. */
  readonly isBuffered: boolean;
  /** What write() takes; default: text. */
  readonly content?: 'text' | 'bytes';
  readonly unwrittenBytesMax?: number;
  /** The file cannot be written; lines wait for it meanwhile. May be called often. */
  readonly onError: (error: Error) => void;
}

export class LogFile {
  private readonly file: InstanceType<typeof SonicBoom>;
  /** Undefined for one that is open already. */
  private readonly directory: string | undefined;

  constructor({ to, isBuffered, content = 'text', unwrittenBytesMax, onError }: LogFileOptions) {
    this.directory = typeof to === 'string' ? dirname(to) : undefined;
    this.makeDirectory();
    this.file = new SonicBoom({
      ...(typeof to === 'string' ? { dest: to } : { fd: to }),
      mode: FILE_MODE,
      sync: true,
      maxLength: unwrittenBytesMax ?? UNWRITTEN_BYTES_MAX,
      contentMode: content === 'text' ? 'utf8' : 'buffer',
      ...(isBuffered ? { minLength: BUFFER_BYTES, periodicFlush: FLUSH_INTERVAL_MS } : {}),
    });
    this.file.on('error', onError);
  }

  /** With its line feeds. */
  write(lines: string | Uint8Array): void {
    // Declared for strings only; with contentMode 'buffer' it takes bytes.
    this.file.write(lines as string);
  }

  /** What it cannot open is told to onError; lines go on into the file that it has. */
  reopen(): void {
    try {
      this.makeDirectory();
    } catch {
      // To open the file fails as well then.
    }
    try {
      this.file.reopen();
    } catch {
      // sonic-boom would close that file twice with the next one that it opens.
      this.file.removeAllListeners('ready');
    }
  }

  /** Not left to sonic-boom: the mkdir that it uses never ends in /proc. */
  private makeDirectory(): void {
    if (this.directory === undefined) return;
    try {
      makeDirectories(this.directory, DIRECTORY_MODE);
    } catch (error) {
      const path = this.directory;
      const message = `cannot create the log directory ${path}: ${(error as Error).message}`;
      throw new DbError('IO', message, { path }, { cause: error });
    }
  }

  flush(): void {
    try {
      this.file.flushSync();
    } catch {
      // onError has been told.
    }
  }
}
