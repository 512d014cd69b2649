/** The files of the data directory: their sizes by shard and level, and the small ones that say what it is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../base/clock.js';
import { readHead, readHeads } from './bounded-file.js';
import { jsonPiece, type Piece } from './piece.js';
import { PIECE_BYTES_MAX } from './piece-runner.js';

const LIMIT_MS = 20_000;
/** The look at the files gives the event loop no turn, so it ends by itself, before it is given up. */
const FILES_LIMIT_MS = 15_000;
const SMALL_FILES = ['meta.json', 'server.json', 'LOCK', 'read-only.json', 'reshard.json'];

export function storagePieces(dataDirectory: string): Piece[] {
  const piece = (name: string, make: Piece['make']): Piece => ({
    name: `storage/${name}`,
    source: 'machine',
    limitMs: LIMIT_MS,
    make,
  });
  const catalog = join(dataDirectory, 'catalog.json');
  return [
    piece('files.json', async () => {
      const { reportStorageFiles } = await import('../../runtime/storage-files.js');
      const deadlineMs = systemClock.monotonicMs() + FILES_LIMIT_MS;
      const report = reportStorageFiles(dataDirectory, () => systemClock.monotonicMs() > deadlineMs);
      const content = jsonPiece(report);
      return report.is_cut ? { ...content, note: `cut after ${FILES_LIMIT_MS} ms` } : content;
    }),
    piece('directory.json', () =>
      jsonPiece(readHeads(Object.fromEntries(SMALL_FILES.map((name) => [name, join(dataDirectory, name)])))),
    ),
    // A new database has none.
    ...(existsSync(catalog)
      ? [piece('catalog.json', () => ({ text: readHead(catalog, PIECE_BYTES_MAX) }))]
      : []),
  ];
}
