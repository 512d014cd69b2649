/** Entry point of threads that make objects of backups, which piscina starts; see src/runtime/backup/encode-task.ts. */
export { runEncodeTask } from '../src/runtime/backup/encode-task.js';
