/** Puts of many documents that are to succeed, over WebSocket: what is refused with 503 is sent again after a moment. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { DocumentInput, WebSocketClient } from '../src/client/index.js';

export const STATUS_BUSY = 503;
/** How long to wait before trying again what was refused. */
export const RETRY_MS = 5;
/** Refused for so long, a server does not recover: it holds all it can hold. */
export const BUSY_MS_MAX = 30_000;
const ERROR_STATUS_MIN = 400;

export function busyTooLong(): Error {
  return new Error(
    `the server refused writes with 503 for ${BUSY_MS_MAX / 1000} s: it holds all it can hold. ` +
      'A server without SSTables holds what its memtables hold: --memtable-mib, --memtables, fewer documents.',
  );
}

/** Gives the number of times that a document was refused. Any other error is thrown. */
export async function putAll(
  client: WebSocketClient,
  collection: string,
  keys: readonly string[],
  documents: readonly DocumentInput[],
): Promise<number> {
  const startMs = performance.now();
  let open = { keys, documents };
  let refused = 0;
  for (;;) {
    const result = await client.putMany(collection, open.keys, open.documents);
    const isBusy = (_: unknown, i: number): boolean => result.statuses[i] === STATUS_BUSY;
    const wrong = result.statuses.findIndex((status) => status >= ERROR_STATUS_MIN && status !== STATUS_BUSY);
    if (wrong >= 0)
      throw new Error(`loading failed: status ${result.statuses[wrong]}, ${result.error(wrong)?.message}`);
    open = { keys: open.keys.filter(isBusy), documents: open.documents.filter(isBusy) };
    if (open.keys.length === 0) return refused;
    refused += open.keys.length;
    if (performance.now() - startMs > BUSY_MS_MAX) throw busyTooLong();
    await sleep(RETRY_MS);
  }
}
