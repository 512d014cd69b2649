/**
 * The archive of `lumadb diagnose`: a tar.gz that is written while the pieces come, so that only one of them is in memory.
 * Only its owner may read it. It is there under its name when it is complete, or not at all.
 */
import { createWriteStream, openSync, renameSync, rmSync, type WriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import { Header, Pack, ReadEntry } from 'tar';
import { CliError } from '../output.js';

const OWNER_ONLY = 0o600;

export class Archive {
  private readonly pack = new Pack({ gzip: true, portable: true });
  private readonly stream: WriteStream;
  private readonly written: Promise<void>;
  bytes = 0;

  private constructor(
    private readonly path: string,
    /** Where it is written; the same as `path`, which this archive then has created. */
    private readonly partPath: string,
    fd: number,
    /** What all names in it begin with. */
    private readonly root: string,
    private readonly mtime: Date,
  ) {
    this.stream = createWriteStream(partPath, { fd });
    this.written = finished(this.stream);
    // finish() tells of it.
    this.written.catch(() => {});
    this.pack.on('data', (chunk: Buffer) => {
      this.bytes += chunk.length;
      this.stream.write(chunk);
    });
    this.pack.on('end', () => this.stream.end());
    this.pack.on('error', (error) => this.stream.destroy(error as Error));
  }

  /** Throws CliError when the file is there already (unless `force`) or cannot be created. */
  static create(path: string, root: string, options: { force: boolean; mtime: Date }): Archive {
    // An archive that is to be replaced stays until the new one is complete.
    const partPath = options.force ? `${path}.${process.pid}.part` : path;
    try {
      return new Archive(path, partPath, openSync(partPath, 'wx', OWNER_ONLY), root, options.mtime);
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code === 'EEXIST')
        throw new CliError(`${partPath} exists already: choose another name, or --force`);
      throw new CliError(`cannot write ${path}: ${message}`, undefined, { cause: error });
    }
  }

  add(name: string, bytes: Uint8Array): void {
    const { mtime, root } = this;
    const header = new Header({
      path: `${root}/${name}`,
      size: bytes.length,
      mode: OWNER_ONLY,
      type: 'File',
      mtime,
    });
    const entry = new ReadEntry(header);
    this.pack.add(entry);
    entry.end(Buffer.from(bytes));
  }

  /** Throws CliError when it could not be written; nothing is left of it then. */
  async finish(): Promise<void> {
    try {
      this.pack.end();
      await this.written;
      if (this.partPath !== this.path) renameSync(this.partPath, this.path);
    } catch (error) {
      this.abandon();
      throw new CliError(`cannot write ${this.path}: ${(error as Error).message}`, undefined, {
        cause: error,
      });
    }
  }

  /** Removes what has been written so far. */
  abandon(): void {
    this.stream.destroy();
    rmSync(this.partPath, { force: true });
  }
}
