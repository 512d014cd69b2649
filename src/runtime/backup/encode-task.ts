/**
 * The thread's side of making an object of a backup: reads, hashes, compresses and encrypts, and hands the chunks over as they
 * come. Stays a few chunks ahead of whoever stores them.
 */
import type { MessagePort } from 'node:worker_threads';
import { encode } from '../../backup/create/encode.js';
import type { EncodedFacts, EncodeJob } from '../../backup/create/encode-job.js';
import { toWireError, type WireError } from '../../base/errors.js';
import { RealVfs } from '../../vfs/real.js';
import { movable } from './inbox.js';
import { UntoldBytes } from './untold-bytes.js';

export interface EncodeTask {
  readonly job: EncodeJob;
  /** Chunks go out; a message comes in for each that was taken. Closed by the other side: nobody wants the rest. */
  readonly port: MessagePort;
}

export type EncodeMessage =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array; readonly rawBytes: number }
  | { readonly kind: 'end'; readonly facts: EncodedFacts; readonly rawBytes: number }
  | { readonly kind: 'error'; readonly error: WireError };

/** Chunks of up to 1 MiB that wait to be stored. */
const CHUNKS_AHEAD_MAX = 4;

/** Entry point of workers/backup.ts. */
export async function runEncodeTask({ job, port }: EncodeTask): Promise<void> {
  let ahead = 0;
  let isClosed = false;
  let wake = (): void => {};
  port.on('message', () => {
    ahead--;
    wake();
  });
  port.on('close', () => {
    isClosed = true;
    wake();
  });
  const raw = new UntoldBytes();
  try {
    const encoding = encode(new RealVfs(), job, raw.add);
    for await (const chunk of encoding.chunks) {
      while (ahead >= CHUNKS_AHEAD_MAX && !isClosed) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
      if (isClosed) return;
      ahead++;
      send(port, { kind: 'chunk', bytes: chunk, rawBytes: raw.take() }, movable(chunk));
    }
    send(port, { kind: 'end', facts: encoding.facts(), rawBytes: raw.take() });
  } catch (error) {
    send(port, { kind: 'error', error: toWireError(error) });
  }
}

function send(port: MessagePort, message: EncodeMessage, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}
