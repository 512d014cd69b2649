/** Decodes objects on the thread that asks for it. */
import type { Vfs } from '../../vfs/vfs.js';
import { decode } from './decode.js';
import type { DecodeJob, Decoder } from './decode-job.js';

export class LocalDecoder implements Decoder {
  constructor(private readonly vfs: Vfs) {}

  run(job: DecodeJob, stored: AsyncIterable<Uint8Array>, onRaw: (bytes: number) => void): Promise<void> {
    return decode(this.vfs, job, stored, onRaw);
  }

  async close(): Promise<void> {}
}
