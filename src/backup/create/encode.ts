/** Makes one object of a backup: reads, hashes, compresses and encrypts. Any thread; keeps a few MiB in memory. */
import { createHash } from 'node:crypto';
import { assert } from '../../base/assert.js';
import { DbError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';
import type { PieceEnd } from '../log-piece/piece-format.js';
import { PieceWriter } from '../log-piece/piece-writer.js';
import { encodeObject } from '../object/object-writer.js';
import type { EncodedFacts, EncodeJob, Encoding, FileSource, LogSource } from './encode-job.js';
import { logRecords } from './log-records.js';

const READ_BYTES = 1024 * 1024;

export function encode(vfs: Vfs, job: EncodeJob, onRaw: (bytes: number) => void): Encoding {
  return new ObjectEncoding(vfs, job, onRaw);
}

class ObjectEncoding implements Encoding {
  readonly chunks: AsyncIterable<Uint8Array>;
  private readonly hash = createHash('sha256');
  private rawBytes = 0;
  private sha256: string | undefined;
  private pieceEnd: PieceEnd | undefined;

  constructor(
    private readonly vfs: Vfs,
    private readonly job: EncodeJob,
    private readonly onRaw: (bytes: number) => void,
  ) {
    this.chunks = encodeObject(this.raw(), job);
  }

  facts(): EncodedFacts {
    const { rawBytes, sha256, pieceEnd } = this;
    assert(sha256 !== undefined, 'the facts of an object are asked for before all of it was read');
    if (pieceEnd === undefined) return { rawBytes, sha256 };
    const { records, lastWallClockMs, chain } = pieceEnd;
    return {
      rawBytes,
      sha256,
      piece: { records, lastWallClockMs, chain: Buffer.from(chain).toString('hex') },
    };
  }

  private *raw(): Generator<Uint8Array> {
    for (const bytes of this.source()) {
      this.hash.update(bytes);
      this.rawBytes += bytes.length;
      yield bytes;
      this.onRaw(bytes.length);
    }
    this.sha256 = this.hash.digest('hex');
  }

  private source(): Iterable<Uint8Array> {
    const { source } = this.job;
    switch (source.kind) {
      case 'bytes':
        return [source.bytes];
      case 'file':
        return fileChunks(this.vfs, source);
      case 'log':
        return this.logChunks(source);
    }
  }

  private *logChunks(source: LogSource): Generator<Uint8Array> {
    const { shard, after, through, previousChain } = source;
    const writer = new PieceWriter({ shard, after, previousChain });
    yield writer.header();
    for (const record of logRecords({ vfs: this.vfs, ...source })) yield writer.record(record);
    const { bytes, end } = writer.end(through);
    this.pieceEnd = end;
    yield bytes;
  }
}

function* fileChunks(vfs: Vfs, { path, sizeBytes }: FileSource): Generator<Uint8Array> {
  const file = vfs.open(path, 'read');
  try {
    const chunk = new Uint8Array(Math.min(READ_BYTES, sizeBytes));
    for (let at = 0; at < sizeBytes; ) {
      const count = file.pread(chunk, 0, Math.min(chunk.length, sizeBytes - at), at);
      if (count === 0) throw changed(path, sizeBytes, at);
      yield chunk.subarray(0, count);
      at += count;
    }
    if (file.size() !== sizeBytes) throw changed(path, sizeBytes, file.size());
  } finally {
    file.close();
  }
}

function changed(path: string, expected: number, got: number): DbError {
  const reason = `it has ${got} bytes instead of ${expected}: it was changed while it was copied`;
  return new DbError('CONFLICT', `${path} cannot be backed up: ${reason}`, { file: path, reason });
}
