/**
 * GET and HEAD of one document: the hottest path of the server. The document is found in shared memory and its bytes
 * go from there to the socket; no other thread is involved, and nothing but the header block is allocated.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { WireError } from '../base/errors.js';
import { hashKey } from '../base/hash.js';
import { LOOKUP_FAILED, LOOKUP_FOUND } from '../router/document-reader.js';
import { FRONT_CACHE_HITS, FRONT_CACHE_REQUESTS, METHOD_GET } from '../shm/stats-format.js';
import { logAnswer } from './access-log.js';
import { matchesEtag } from './etag.js';
import type { FrontContext } from './front-context.js';
import { DIRECT_RESPONSE_BYTES_MAX } from './limits.js';
import type { DocumentPath } from './path.js';
import { sendError } from './respond.js';
import type { ResponseStreamer } from './stream-response.js';

export class DocumentGetter {
  constructor(
    private readonly context: FrontContext,
    private readonly path: DocumentPath,
    private readonly streamer: ResponseStreamer,
  ) {}

  /** `path` has been parsed and has an id. */
  handle(res: HttpResponse, req: HttpRequest, withBody: boolean): void {
    const { context, path } = this;
    const startMs = context.meter.now();
    const ok = this.answer(res, req, path, withBody);
    context.meter.done(METHOD_GET, !ok, startMs);
  }

  private answer(res: HttpResponse, req: HttpRequest, path: DocumentPath, withBody: boolean): boolean {
    const { router, collections, meter } = this.context;
    const collection = collections.find(path.collection);
    if (collection === undefined) return this.notFound(res, path);
    const hash = hashKey(collection, path.key, 0, path.keyLength);
    const reader = router.reader(hash);
    if (reader === undefined) {
      sendError(res, router.unavailableCause(hash), this.context.requestId());
      return false;
    }
    meter.cells[FRONT_CACHE_REQUESTS]++;
    reader.enter();
    try {
      const lookup = reader.get(hash, collection, path.key, 0, path.keyLength);
      if (reader.isFromMemory) meter.cells[FRONT_CACHE_HITS]++;
      if (lookup !== LOOKUP_FOUND) return this.notAnswered(res, path, lookup, reader.error);
      const { bytes, valueOffset, valueLength, seqno, expiresAt } = reader;
      const requestId = this.context.requestId();
      const ifNoneMatch = req.getHeader('if-none-match');
      const headers = `application/json\r\nETag: "${seqno}"${expiryHeader(expiresAt)}\r\nX-Request-Id: ${requestId}`;
      if (ifNoneMatch !== '' && matchesEtag(ifNoneMatch, seqno)) {
        res.writeStatus('304 Not Modified').writeHeader('Content-Type', headers).endWithoutBody();
        logAnswer(res, 304, 0, requestId);
        return true;
      }
      if (!withBody) {
        // As a header: uWS takes endWithoutBody(length) for an unfinished answer and ends the process.
        res.writeHeader('Content-Type', `${headers}\r\nContent-Length: ${valueLength}`).endWithoutBody();
        logAnswer(res, 200, 0, requestId);
        return true;
      }
      // Made by the constructor: subarray() takes twice as long. Used up before leave().
      const body = new Uint8Array(bytes.buffer, bytes.byteOffset + valueOffset, valueLength);
      if (valueLength > DIRECT_RESPONSE_BYTES_MAX) return this.streamer.send(res, headers, body, requestId);
      res.writeHeader('Content-Type', headers);
      res.end(body);
      logAnswer(res, 200, valueLength, requestId);
      return true;
    } finally {
      reader.leave();
    }
  }

  private notAnswered(
    res: HttpResponse,
    path: DocumentPath,
    lookup: number,
    error: WireError | undefined,
  ): false {
    if (lookup !== LOOKUP_FAILED || error === undefined) return this.notFound(res, path);
    sendError(res, error, this.context.requestId());
    return false;
  }

  private notFound(res: HttpResponse, path: DocumentPath): false {
    const { collection } = path;
    const message =
      this.context.collections.find(collection) === undefined
        ? `collection ${JSON.stringify(collection)} does not exist`
        : `no document with _id ${JSON.stringify(path.idText())} in collection ${JSON.stringify(collection)}`;
    sendError(res, { code: 'NOT_FOUND', message }, this.context.requestId());
    return false;
  }
}

/** `expiresAt`: database time in seconds, 0 for a document that stays. */
function expiryHeader(expiresAt: number): string {
  return expiresAt === 0 ? '' : `\r\nX-LumaDB-Expires-At: ${new Date(expiresAt * 1000).toISOString()}`;
}
