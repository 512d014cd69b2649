/** Makes objects on the thread that asks for them. */
import type { Vfs } from '../../vfs/vfs.js';
import { encode } from './encode.js';
import type { EncodeJob, Encoder, Encoding } from './encode-job.js';

export class LocalEncoder implements Encoder {
  /** `lanes`: with more than one, the next object is made while the store is busy with the end of the one before it. */
  constructor(
    private readonly vfs: Vfs,
    readonly lanes = 1,
  ) {}

  encode(job: EncodeJob, onRaw: (bytes: number) => void): Encoding {
    return encode(this.vfs, job, onRaw);
  }

  async close(): Promise<void> {}
}
