/** The files of a data directory on the real file system, for whoever looks at it from outside. Holds nothing, changes nothing. */
import { type StorageReport, storageReport } from '../tools/storage-report.js';
import { RealVfs } from '../vfs/real.js';

export function reportStorageFiles(dataDirectory: string, isOverdue: () => boolean): StorageReport {
  return storageReport(new RealVfs(), dataDirectory, isOverdue);
}
