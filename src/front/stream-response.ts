/**
 * Sends bodies as fast as the client reads them. uWS's end() would keep what the socket does not take, without limit,
 * and a client that pipelines requests and never reads could grow that at will; tryEnd() keeps nothing. What a slow
 * reader has not taken is copied out of shared memory (it must not pin a memtable), and all copies together are bounded.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { logAnswer } from './access-log.js';
import { STREAMED_RESPONSE_BYTES_MAX } from './limits.js';
import { sendError } from './respond.js';

/** Bodies up to this size nearly always fit into the socket's buffer. */
const SMALL_BODY_BYTES = 64 * 1024;

export class ResponseStreamer {
  private heldBytes = 0;

  /**
   * Must run corked. `headers`: the value of Content-Type and further header lines. `body` is not used after the call.
   * False when too much is held for slow readers already: a large body is then refused, and a small one that the
   * socket does not take ends the connection.
   */
  send(res: HttpResponse, headers: string, body: Uint8Array, requestId: string): boolean {
    if (body.length > SMALL_BODY_BYTES && !this.hasRoom(body)) {
      const message = `${this.heldBytes} bytes of answers wait for slow readers, no more than ${STREAMED_RESPONSE_BYTES_MAX} are held`;
      sendError(res, { code: 'OVERLOADED', message }, requestId);
      return false;
    }
    res.writeHeader('Content-Type', headers);
    // A view, never a bare SharedArrayBuffer: uWS crashes on those.
    const [, done] = res.tryEnd(body, body.length);
    // From here on the client reads at its own pace.
    logAnswer(res, 200, body.length, requestId);
    return done || this.hold(res, body);
  }

  private hasRoom(body: Uint8Array): boolean {
    return this.heldBytes + body.length <= STREAMED_RESPONSE_BYTES_MAX;
  }

  private hold(res: HttpResponse, body: Uint8Array): boolean {
    if (!this.hasRoom(body)) {
      res.close();
      return false;
    }
    const copy = body.slice();
    this.heldBytes += copy.length;
    let isHeld = true;
    const release = (): void => {
      if (isHeld) this.heldBytes -= copy.length;
      isHeld = false;
    };
    res.onAborted(release);
    res.onWritable((offset) => {
      const [ok, done] = res.tryEnd(copy.subarray(offset), copy.length);
      if (done) release();
      return ok;
    });
    return true;
  }
}
