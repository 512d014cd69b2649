/** Where the catalog of a data directory is kept: catalog.json, replaced as a whole. */
import { join } from 'node:path';
import type { CatalogStore } from '../catalog/catalog.js';
import { RealVfs } from '../vfs/real.js';

export function catalogStore(dataDirectory: string): CatalogStore {
  const vfs = new RealVfs();
  const path = join(dataDirectory, 'catalog.json');
  return {
    read: () => (vfs.exists(path) ? vfs.readFile(path) : undefined),
    write: (bytes) => vfs.writeFileAtomic(path, bytes),
  };
}
