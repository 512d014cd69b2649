/** HTTP side of bulk writes: headers, query string, body, answer. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import { toWireError, type WireError } from '../base/errors.js';
import { BULK_BYTES_MAX } from '../base/limits.js';
import { METHOD_BULK } from '../shm/stats-format.js';
import { isRefused } from './access.js';
import type { BodyBudget } from './body-budget.js';
import { type BulkOptions, type BulkResult, BulkWrite } from './bulk-write.js';
import type { DocumentBody } from './document-body.js';
import { parseDurability } from './durability.js';
import type { FrontContext } from './front-context.js';
import { IDEMPOTENCY_KEY_LENGTH_MAX } from './limits.js';
import { readBody } from './read-body.js';
import { sendError, sendJson } from './respond.js';
import { parseTtl, TTL_HEADER, ttlFault } from './ttl.js';

export class BulkRoute {
  constructor(
    private readonly context: FrontContext,
    private readonly documentBody: DocumentBody,
    private readonly budget: BodyBudget,
  ) {}

  handle(res: HttpResponse, req: HttpRequest, collectionName: string, session: Session): void {
    const startMs = this.context.meter.now();
    const options = readOptions(req);
    let isGone = false;
    const answer = (result: BulkResult | WireError, close: boolean): void => {
      const failed = 'code' in result;
      this.context.meter.done(METHOD_BULK, failed || result.httpStatus !== 200, startMs);
      if (isGone) return;
      res.cork(() => {
        const requestId = this.context.requestId();
        if (failed) sendError(res, result, requestId, close);
        else sendJson(res, result.httpStatus, requestId, result.body);
      });
    };
    readBody(res, this.budget, BULK_BYTES_MAX, {
      keepsBody: true,
      onBody: (body) => {
        const sender = this.context.access.stillAdmits(session, ['write', collectionName]);
        if (isRefused(sender)) answer(sender, false);
        else if ('code' in options) answer(options, false);
        else this.write(collectionName, body, options).then((result) => answer(result, false));
      },
      onRefused: (error) => answer(error, true),
      onAborted: () => {
        isGone = true;
      },
    });
  }

  private async write(name: string, body: Uint8Array, options: BulkOptions): Promise<BulkResult | WireError> {
    try {
      const bulk = new BulkWrite(this.context, this.documentBody, body, options);
      const collection = this.context.collections.find(name) ?? (await this.context.collections.ensure(name));
      return typeof collection === 'number' ? await bulk.run(name, collection) : collection;
    } catch (error) {
      return toWireError(error);
    }
  }
}

function readOptions(req: HttpRequest): BulkOptions | WireError {
  const query = new URLSearchParams(req.getQuery());
  const durability = parseDurability(req.getHeader('x-lumadb-durability'));
  if (durability === undefined) {
    const message = 'X-LumaDB-Durability can be always, group or os';
    return { code: 'VALIDATION', message, details: { field: 'X-LumaDB-Durability' } };
  }
  const ttlSeconds = readTtl(query.get('ttl'), req.getHeader('x-lumadb-ttl'));
  if (typeof ttlSeconds !== 'number') return ttlSeconds;
  const idempotencyKey = req.getHeader('idempotency-key');
  if (idempotencyKey.length > IDEMPOTENCY_KEY_LENGTH_MAX) {
    const message = `Idempotency-Key has more than ${IDEMPOTENCY_KEY_LENGTH_MAX} characters`;
    return { code: 'VALIDATION', message, details: { field: 'Idempotency-Key' } };
  }
  for (const name of ['atomic', 'create'] as const) {
    const value = query.get(name);
    if (value !== null && value !== 'true' && value !== 'false') {
      return { code: 'VALIDATION', message: `${name} can be true or false`, details: { field: name } };
    }
  }
  return {
    isNdjson: /^application\/(x-)?(ndjson|jsonl)\b/.test(req.getHeader('content-type')),
    isAtomic: query.get('atomic') === 'true',
    createOnly: query.get('create') === 'true',
    durability,
    ttlSeconds,
    idempotencyKey,
  };
}

/** From ?ttl= or the header; of both, none would be the obvious one. */
function readTtl(parameter: string | null, header: string): number | WireError {
  if (parameter !== null && header !== '') {
    const message = `give either ?ttl= or the header ${TTL_HEADER}, not both`;
    return { code: 'VALIDATION', message, details: { field: 'ttl' } };
  }
  if (parameter === null) return parseTtl(header) ?? ttlFault(TTL_HEADER, header);
  // Unlike a header, a parameter can be there and empty.
  return (parameter === '' ? undefined : parseTtl(parameter)) ?? ttlFault('ttl', parameter);
}
