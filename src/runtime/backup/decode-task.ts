/** The thread's side of decoding an object of a backup: takes its stored bytes as they come and does the work (backup/decode/). */
import type { MessagePort } from 'node:worker_threads';
import { decode } from '../../backup/decode/decode.js';
import type { DecodeJob } from '../../backup/decode/decode-job.js';
import { DbError, toWireError, type WireError } from '../../base/errors.js';
import { RealVfs } from '../../vfs/real.js';
import { Inbox } from './inbox.js';
import { UntoldBytes } from './untold-bytes.js';

export interface DecodeTask {
  readonly job: DecodeJob;
  readonly port: MessagePort;
}

/** To the thread. */
export type StoredMessage =
  | { readonly kind: 'chunk'; readonly bytes: Uint8Array }
  | { readonly kind: 'end' }
  /** The store has failed, which is told by the other side: this one ends its work. */
  | { readonly kind: 'failed' };

/** From the thread: a 'taken' for each chunk, and one of the others last. */
export type DecodeMessage =
  | { readonly kind: 'taken'; readonly rawBytes: number }
  | { readonly kind: 'done'; readonly rawBytes: number }
  | { readonly kind: 'error'; readonly error: WireError };

/** Entry point of workers/backup.ts. */
export async function runDecodeTask({ job, port }: DecodeTask): Promise<void> {
  const inbox = new Inbox<StoredMessage>(port);
  port.on('close', () => inbox.fail(new DbError('INTERNAL', 'nobody waits for this object any more')));
  const raw = new UntoldBytes();
  async function* stored(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const message = await inbox.next();
      if (message.kind === 'end') return;
      if (message.kind === 'failed') throw new DbError('INTERNAL', 'the rest of this object cannot be read');
      yield message.bytes;
      send(port, { kind: 'taken', rawBytes: raw.take() });
    }
  }
  try {
    await decode(new RealVfs(), job, stored(), raw.add);
    send(port, { kind: 'done', rawBytes: raw.take() });
  } catch (error) {
    send(port, { kind: 'error', error: toWireError(error) });
  }
}

function send(port: MessagePort, message: DecodeMessage): void {
  port.postMessage(message);
}
