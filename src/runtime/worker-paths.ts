/** The one place that names the files of worker threads. They are compiled next to src/ under dist/. */
const worker = (name: string): URL => new URL(`../../workers/${name}.js`, import.meta.url);

export const SHARD_WORKER = worker('shard');
export const FRONT_WORKER = worker('front');
export const COMPACTOR_WORKER = worker('compactor');
export const QUERY_WORKER = worker('query');
export const WAL_STREAM_WORKER = worker('wal-stream');
export const BACKUP_WORKER = worker('backup');
export const LOOK_WORKER = worker('look');
