/** Does one job with one object of a backup. Any thread; keeps a few MiB in memory, and tables that it looks into. */
import type { Vfs } from '../../vfs/vfs.js';
import { decodeObject } from '../object/object-reader.js';
import { placeFile } from '../restore/place-file.js';
import { verifyPiece, verifyTable } from '../verify/verify-object.js';
import type { DecodeJob } from './decode-job.js';

export function decode(
  vfs: Vfs,
  { name, key, work }: DecodeJob,
  stored: AsyncIterable<Uint8Array>,
  onRaw: (bytes: number) => void,
): Promise<void> {
  const raw = counted(decodeObject(stored, { name, ...(key && { key }) }), onRaw);
  switch (work.kind) {
    case 'place':
      return placeFile(vfs, raw, { ...work, name });
    case 'verify-table':
      return verifyTable(raw, work.file, name);
    case 'verify-piece':
      return verifyPiece(raw, work.piece, name);
  }
}

async function* counted(
  raw: AsyncIterable<Uint8Array>,
  onRaw: (bytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const bytes of raw) {
    onRaw(bytes.length);
    yield bytes;
  }
}
