/** Makes objects on the thread that asks for them, one at a time. */
import type { Vfs } from '../../vfs/vfs.js';
import { encode } from './encode.js';
import type { EncodeJob, Encoder, Encoding } from './encode-job.js';

export class LocalEncoder implements Encoder {
  readonly lanes = 1;

  constructor(private readonly vfs: Vfs) {}

  encode(job: EncodeJob, onRaw: (bytes: number) => void): Encoding {
    return encode(this.vfs, job, onRaw);
  }

  async close(): Promise<void> {}
}
