/**
 * GET of a collection: pages of documents in `_id` order, either way, or the first ones by another field. Scans on the front
 * thread in slices and gives the event loop back between them; a page shows each document as it was when its slice ran.
 */
import type { HttpResponse } from 'uWebSockets.js';
import { toWireError, type WireError } from '../base/errors.js';
import { ByteSink } from '../json/byte-sink.js';
import { projectFields } from '../json/project.js';
import { rangeAfter, type ScannedDocument } from '../router/document-reader.js';
import { METHOD_LIST } from '../shm/stats-format.js';
import type { FrontContext } from './front-context.js';
import { LIST_RESPONSE_BYTES_MAX, SCAN_SLICE } from './limits.js';
import { encodeCursor, type ListQuery, parseListQuery } from './list-query.js';
import { sendError } from './respond.js';
import { SortedWindow } from './sorted-window.js';
import type { ResponseStreamer } from './stream-response.js';

const COMMA = 0x2c;
const encoder = new TextEncoder();
const DATA_OPENING = encoder.encode('{"data":[');

interface Page {
  readonly data: ByteSink;
  count: number;
  hasMore: boolean;
  nextCursor: string | null;
  total: number | undefined;
}

interface ListTarget {
  readonly collection: number;
  readonly name: string;
  isAborted(): boolean;
}

const noCollection = (name: string): WireError => ({
  code: 'NOT_FOUND',
  message: `collection ${JSON.stringify(name)} does not exist`,
});

export class DocumentLister {
  constructor(
    private readonly context: FrontContext,
    private readonly streamer: ResponseStreamer,
  ) {}

  handle(res: HttpResponse, collectionName: string, queryString: string): void {
    const startMs = this.context.meter.now();
    const finish = (failed: boolean): void => this.context.meter.done(METHOD_LIST, failed, startMs);
    const refuse = (error: WireError): void => {
      sendError(res, error, this.context.requestId());
      finish(true);
    };
    const collection = this.context.collections.find(collectionName);
    if (collection === undefined) {
      refuse(noCollection(collectionName));
      return;
    }
    const query = parseListQuery(queryString);
    if ('code' in query) {
      refuse(query);
      return;
    }
    let aborted = false;
    res.onAborted(() => {
      aborted = true;
    });
    this.collect({ collection, name: collectionName, isAborted: () => aborted }, query).then((result) => {
      if (!aborted) {
        res.cork(() => {
          if ('code' in result) sendError(res, result, this.context.requestId());
          else this.send(res, query, result);
        });
      }
      finish('code' in result);
    });
  }

  private async collect(target: ListTarget, query: ListQuery): Promise<Page | WireError> {
    try {
      return await (query.sort === undefined
        ? this.collectInOrder(target, query)
        : this.collectSorted(target, query));
    } catch (error) {
      return toWireError(error);
    }
  }

  private async collectInOrder(target: ListTarget, query: ListQuery): Promise<Page | WireError> {
    const page = newPage();
    let toSkip = query.offset;
    let isFull = false;
    let lastKey: Uint8Array | undefined;
    const failure = await this.scanAll(target, query, (document) => {
      if (toSkip > 0) {
        toSkip--;
        return true;
      }
      // One document more than the page holds tells whether there is another page.
      if (page.count === query.limit || page.data.length + document.length > LIST_RESPONSE_BYTES_MAX) {
        isFull = page.count > 0;
        if (isFull) return false;
      }
      appendDocument(page, document.bytes, document.offset, document.length, query);
      lastKey = document.key();
      return true;
    });
    if (failure !== undefined) return failure;
    page.hasMore = isFull;
    page.nextCursor = isFull && lastKey !== undefined ? encodeCursor(lastKey) : null;
    return page;
  }

  private async collectSorted(target: ListTarget, query: ListQuery): Promise<Page | WireError> {
    const { sort, offset, limit } = query;
    if (sort === undefined) throw new Error('collectSorted needs a sort order');
    const window = new SortedWindow(sort, offset + limit, LIST_RESPONSE_BYTES_MAX);
    let isTooLarge = false;
    const failure = await this.scanAll(target, query, (document) => {
      isTooLarge = !window.add(document);
      return !isTooLarge;
    });
    if (failure !== undefined) return failure;
    if (isTooLarge) {
      const message = `sorting this page would hold more than ${LIST_RESPONSE_BYTES_MAX} bytes of documents`;
      return { code: 'PAYLOAD_TOO_LARGE', message, details: { limitBytes: LIST_RESPONSE_BYTES_MAX } };
    }
    const page = newPage();
    for (const bytes of window.sorted().slice(offset)) {
      appendDocument(page, bytes, 0, bytes.length, query);
    }
    page.total = window.total;
    page.hasMore = window.total > offset + page.count;
    return page;
  }

  /** Visits all matching documents, slice by slice. An error when a shard is down: a page must not miss documents silently. */
  private async scanAll(
    target: ListTarget,
    query: ListQuery,
    visit: (document: ScannedDocument) => boolean,
  ): Promise<WireError | undefined> {
    let { range } = query;
    let stopped = false;
    const visitMatching = (document: ScannedDocument): boolean => {
      const end = document.offset + document.length;
      for (const matches of query.filters) if (!matches(document.bytes, document.offset, end)) return true;
      stopped = !visit(document);
      return !stopped;
    };
    const { router, scanner, collections } = this.context;
    const snapshot = await scanner.snapshot();
    try {
      // Dropped before the snapshot: what is stored may be going. Later the snapshot keeps it.
      if (collections.find(target.name) !== target.collection) return noCollection(target.name);
      for (let slice = 0; ; slice++) {
        const unavailable = router.firstUnavailable();
        if (unavailable !== undefined) return unavailable;
        const options = { seqno: snapshot.seqno, budget: SCAN_SLICE, fillCache: slice === 0 };
        const next = scanner.scan(target.collection, range, options, visitMatching);
        if (stopped || next === undefined || target.isAborted()) return undefined;
        range = rangeAfter(range, next);
        await new Promise((resolve) => setImmediate(resolve));
      }
    } finally {
      snapshot.release();
    }
  }

  private send(res: HttpResponse, query: ListQuery, page: Page): void {
    const requestId = this.context.requestId();
    const pagination = {
      limit: query.limit,
      offset: query.offset,
      has_more: page.hasMore,
      next_cursor: page.nextCursor,
      ...(page.total === undefined ? {} : { total: page.total }),
    };
    const closing = encoder.encode(`],"pagination":${JSON.stringify(pagination)}}`);
    page.data.append(closing, 0, closing.length);
    const headers = `application/json\r\nX-Request-Id: ${requestId}`;
    this.streamer.send(res, headers, page.data.bytes.subarray(0, page.data.length), requestId);
  }
}

function newPage(): Page {
  const data = new ByteSink(16 * 1024, 2 * LIST_RESPONSE_BYTES_MAX);
  data.append(DATA_OPENING, 0, DATA_OPENING.length);
  return { data, count: 0, hasMore: false, nextCursor: null, total: undefined };
}

function appendDocument(
  page: Page,
  bytes: Uint8Array,
  offset: number,
  length: number,
  query: ListQuery,
): void {
  if (page.count > 0) page.data.appendByte(COMMA);
  if (query.fields === undefined) page.data.append(bytes, offset, offset + length);
  else projectFields(bytes, offset, offset + length, query.fields, page.data);
  page.count++;
}
