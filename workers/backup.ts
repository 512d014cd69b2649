/** Entry points of threads that make and read objects of backups, which piscina starts; see src/runtime/backup/. */
export { runDecodeTask } from '../src/runtime/backup/decode-task.js';
export { runEncodeTask } from '../src/runtime/backup/encode-task.js';
