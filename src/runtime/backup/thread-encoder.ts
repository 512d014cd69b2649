/** Makes objects of backups on several threads. Main thread of whoever makes the backup. */
import { MessageChannel } from 'node:worker_threads';
import { Piscina } from 'piscina';
import type { EncodedFacts, EncodeJob, Encoder, Encoding } from '../../backup/create/encode-job.js';
import { assert } from '../../base/assert.js';
import { DbError, fromWireError } from '../../base/errors.js';
import { BACKUP_WORKER } from '../worker-paths.js';
import type { EncodeMessage } from './encode-task.js';
import { Inbox } from './inbox.js';

const LANES_PER_THREAD = 2;

export class ThreadEncoder implements Encoder {
  private readonly pool: Piscina;

  readonly lanes: number;

  constructor(threads: number) {
    // While a store makes an object durable, its thread is at the next one.
    this.lanes = threads * LANES_PER_THREAD;
    this.pool = new Piscina({
      filename: BACKUP_WORKER.href,
      name: 'runEncodeTask',
      minThreads: 0,
      maxThreads: threads,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: Number.POSITIVE_INFINITY,
    });
  }

  encode(job: EncodeJob, onRaw: (bytes: number) => void): Encoding {
    return new ThreadEncoding(this.pool, job, onRaw);
  }

  async close(): Promise<void> {
    await this.pool.destroy();
  }
}

class ThreadEncoding implements Encoding {
  readonly chunks: AsyncIterable<Uint8Array>;
  private made: EncodedFacts | undefined;

  constructor(
    private readonly pool: Piscina,
    private readonly job: EncodeJob,
    private readonly onRaw: (bytes: number) => void,
  ) {
    this.chunks = this.read();
  }

  facts(): EncodedFacts {
    assert(this.made !== undefined, 'the facts of an object are asked for before all of it was read');
    return this.made;
  }

  private async *read(): AsyncGenerator<Uint8Array> {
    const { port1: theirs, port2: ours } = new MessageChannel();
    const inbox = new Inbox<EncodeMessage>(ours);
    this.pool.run({ job: this.job, port: theirs }, { transferList: [theirs] }).catch((error: Error) => {
      inbox.fail(new DbError('INTERNAL', `a thread that makes objects has died: ${error.message}`));
    });
    try {
      for (;;) {
        const message = await inbox.next();
        if (message.kind === 'error') throw fromWireError(message.error);
        this.onRaw(message.rawBytes);
        if (message.kind === 'end') {
          this.made = message.facts;
          return;
        }
        yield message.bytes;
        // It was stored: there is room for another.
        ours.postMessage(null);
      }
    } finally {
      ours.close();
    }
  }
}
