/** The one place where imports and exports touch files: those that an operator names, outside of any data directory. */
import { createHash } from 'node:crypto';
import { type FileHandle, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { dirname } from 'node:path';

const READ_BYTES = 1024 * 1024;
/** What identifies an input file besides its name. */
const HEAD_BYTES = 64 * 1024;

export async function fileSize(path: string): Promise<number | undefined> {
  const found = await stat(path).catch(absent);
  return found?.size;
}

/** The file from `offset` on. `onRead` is told how many bytes each piece has. */
export async function* readFrom(
  path: string,
  offset: number,
  onRead: (bytes: number) => void = () => {},
): AsyncGenerator<Uint8Array> {
  const file = await open(path, 'r');
  try {
    for (let at = offset; ; ) {
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(READ_BYTES), 0, READ_BYTES, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      onRead(bytesRead);
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** bytes[start, end) of a file, in a buffer of their own. */
export async function readRange(path: string, start: number, end: number): Promise<ArrayBuffer> {
  const file = await open(path, 'r');
  try {
    const bytes = new Uint8Array(end - start);
    for (let done = 0; done < bytes.length; ) {
      const { bytesRead } = await file.read(bytes, done, bytes.length - done, start + done);
      if (bytesRead === 0) throw new Error(`${path} ends at byte ${start + done}`);
      done += bytesRead;
    }
    return bytes.buffer;
  } finally {
    await file.close();
  }
}

/** SHA-256 of how the file begins, as far as `bytes` or the limit here reaches. */
export async function headDigest(path: string, bytes: number): Promise<string> {
  const head = await readRange(path, 0, Math.min(bytes, HEAD_BYTES));
  return createHash('sha256').update(new Uint8Array(head)).digest('hex');
}

export async function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(absent);
}

/** The whole text or the one that was there before, whenever the process or the machine ends. */
export async function replaceText(path: string, text: string): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, 'w');
  try {
    await file.writeFile(text);
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
}

export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true });
}

/** Gives a finished file its name, for good. */
export async function publishFile(from: string, to: string): Promise<void> {
  await rename(from, to);
  const directory = await open(dirname(to), 'r');
  try {
    // Without it a crash of the machine can lose the rename.
    await directory.sync();
  } finally {
    await directory.close();
  }
}

/** A file that only grows, from a length that an earlier run vouched for. */
export class GrowingFile {
  private constructor(
    private readonly file: FileHandle,
    private length: number,
  ) {}

  /** Cuts what is behind `bytes`: it was written after the state that vouches for the rest. */
  static async open(path: string, bytes: number): Promise<GrowingFile> {
    const file = await open(path, bytes === 0 ? 'w' : 'r+');
    const { size } = await file.stat();
    if (size < bytes) {
      await file.close();
      throw new Error(
        `${path} has ${size} bytes, fewer than the ${bytes} that were written: it has been changed`,
      );
    }
    await file.truncate(bytes);
    return new GrowingFile(file, bytes);
  }

  get bytes(): number {
    return this.length;
  }

  async append(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.file.write(bytes, done, bytes.length - done, this.length);
      done += bytesWritten;
      this.length += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return this.file.datasync();
  }

  close(): Promise<void> {
    return this.file.close();
  }
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code === 'ENOENT') return undefined;
  throw error;
}
