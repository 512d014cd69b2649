/** Parquet: to come. */
import type { Place, RecordStream } from './record.js';
export async function* readParquet(
  _path: string,
  _start: Place,
  _onRead: (bytes: number) => void,
): RecordStream {
  yield [];
}
