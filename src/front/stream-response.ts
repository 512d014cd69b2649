/**
 * Sends large bodies as fast as the client reads them. The bytes are copied out of shared memory first (a slow reader
 * must not pin a memtable), and the copies of all slow readers together are bounded.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { STREAMED_RESPONSE_BYTES_MAX } from './limits.js';
import { sendError } from './respond.js';

export class ResponseStreamer {
  private heldBytes = 0;

  /** Must run corked. `headers`: the value of Content-Type and further header lines. False when refused. */
  send(res: HttpResponse, headers: string, body: Uint8Array, requestId: string): boolean {
    if (this.heldBytes + body.length > STREAMED_RESPONSE_BYTES_MAX) {
      const message = `${this.heldBytes} bytes of answers wait for slow readers, no more than ${STREAMED_RESPONSE_BYTES_MAX} are held`;
      sendError(res, { code: 'OVERLOADED', message }, requestId);
      return false;
    }
    res.writeHeader('Content-Type', headers);
    const [, done] = res.tryEnd(body, body.length);
    if (done) return true;
    this.heldBytes += body.length;
    let held = true;
    const release = (): void => {
      if (held) this.heldBytes -= body.length;
      held = false;
    };
    res.onAborted(release);
    res.onWritable((offset) => {
      const [ok, finished] = res.tryEnd(body.subarray(offset), body.length);
      if (finished) release();
      return ok;
    });
    return true;
  }
}
