/**
 * Decodes objects of backups on several threads: this one reads them from their store and hands them over as they come. Main thread
 * of whoever restores or verifies.
 */
import { availableParallelism } from 'node:os';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { DecodeJob, Decoder } from '../../backup/decode/decode-job.js';
import { LocalDecoder } from '../../backup/decode/local-decoder.js';
import { DbError, fromWireError } from '../../base/errors.js';
import type { Vfs } from '../../vfs/vfs.js';
import { BACKUP_WORKER } from '../worker-paths.js';
import type { DecodeMessage, StoredMessage } from './decode-task.js';
import { Inbox, movable } from './inbox.js';

/** Chunks that a thread has not come to. */
const CHUNKS_AHEAD_MAX = 4;

/** For `objects` at a time. More threads than cores would only cost their start: several objects share one. */
export function openDecoder(vfs: Vfs, objects: number): Decoder {
  const threads = Math.min(objects, availableParallelism());
  return threads > 1 ? new ThreadDecoder(threads, objects) : new LocalDecoder(vfs);
}

export class ThreadDecoder implements Decoder {
  private readonly pool: Piscina;

  /**
   * `objects`: at a time at most. None may wait for a thread: one whose store is slow would hold up others, and a pool whose threads
   * have all died never comes to what waits.
   */
  constructor(threads: number, objects: number) {
    this.pool = new Piscina({
      filename: BACKUP_WORKER.href,
      name: 'runDecodeTask',
      minThreads: 0,
      maxThreads: threads,
      concurrentTasksPerWorker: Math.ceil(objects / threads),
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: Number.POSITIVE_INFINITY,
    });
  }

  async run(
    job: DecodeJob,
    stored: AsyncIterable<Uint8Array>,
    onRaw: (bytes: number) => void,
  ): Promise<void> {
    const { port1: theirs, port2: ours } = new MessageChannel();
    const inbox = new Inbox<DecodeMessage>(ours);
    this.pool.run({ job, port: theirs }, { transferList: [theirs] }).catch((error: Error) => {
      inbox.fail(new DbError('INTERNAL', `a thread that decodes objects has died: ${error.message}`));
    });
    try {
      await this.feed(ours, inbox, stored, onRaw);
    } finally {
      ours.close();
    }
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }

  private async feed(
    port: MessagePort,
    inbox: Inbox<DecodeMessage>,
    stored: AsyncIterable<Uint8Array>,
    onRaw: (bytes: number) => void,
  ): Promise<void> {
    let ahead = 0;
    /** False when the thread is through with the job. */
    const take = async (): Promise<boolean> => {
      const message = await inbox.next();
      if (message.kind === 'error') throw fromWireError(message.error);
      onRaw(message.rawBytes);
      ahead--;
      return message.kind === 'taken';
    };
    let failure: { readonly error: unknown } | undefined;
    const chunks = stored[Symbol.asyncIterator]();
    try {
      for (;;) {
        const next = await chunks.next().catch((error: unknown) => {
          failure = { error };
        });
        if (next === undefined || next.done === true) break;
        send(port, { kind: 'chunk', bytes: next.value }, movable(next.value));
        ahead++;
        while (ahead >= CHUNKS_AHEAD_MAX) await take();
      }
      send(port, { kind: failure === undefined ? 'end' : 'failed' });
      while (await take());
    } catch (error) {
      // Of a job whose object could not be read, the thread's own end is of no interest, only that it has ended.
      throw failure === undefined ? error : failure.error;
    } finally {
      await chunks.return?.();
    }
    if (failure !== undefined) throw failure.error;
  }
}

function send(port: MessagePort, message: StoredMessage, moved: ArrayBuffer[] = []): void {
  port.postMessage(message, moved);
}
