/**
 * Requests that the main thread answers: collections, health, status, metrics, read-only mode, shutdown. Off the hot
 * path. Each route is an async function from a parsed request to an answer; control-exchange.ts does the rest.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import { DbError } from '../base/errors.js';
import { TTL_NEVER, TTL_UNSET } from '../base/expiry.js';
import type { CollectionDefinitions } from './collection-definitions.js';
import { asObject, refuseUnknown } from './control-body.js';
import { type ControlExchange, json, unwrap } from './control-exchange.js';
import type { CollectionDescription, ReadOnlyRequest } from './control-plane.js';
import type { FrontContext } from './front-context.js';
import { collectionNameFault } from './path.js';
import { ttlFault, ttlOfJson } from './ttl.js';

const SHUTDOWN_TIMEOUT_MS_DEFAULT = 60_000;
const SHUTDOWN_TIMEOUT_MS_MAX = 3_600_000;
const READ_ONLY_REASON_LENGTH_MAX = 300;
const PROMETHEUS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

export class ControlRoutes {
  constructor(
    private readonly context: FrontContext,
    private readonly exchange: ControlExchange,
  ) {}

  health(res: HttpResponse): void {
    this.exchange.serve(res, () => this.context.control.health());
  }

  status(res: HttpResponse): void {
    this.exchange.serve(res, () => this.context.control.status());
  }

  metrics(res: HttpResponse): void {
    this.exchange.serve(res, async () => ({
      httpStatus: 200,
      body: await this.context.control.metrics(),
      contentType: PROMETHEUS_CONTENT_TYPE,
    }));
  }

  /** Answered by this thread alone: the process is there and its event loop turns. */
  live(res: HttpResponse): void {
    this.exchange.serve(res, async () => json(200, { status: 'live' }));
  }

  /** Whether this server can take requests now; for load balancers. */
  ready(res: HttpResponse): void {
    const cause = this.context.draining ?? this.context.router.firstUnavailable();
    this.exchange.serve(res, async () =>
      cause === undefined
        ? json(200, { status: 'ready' })
        : json(503, { status: 'not ready', reason: cause.message, code: cause.code }),
    );
  }

  listCollections(res: HttpResponse): void {
    this.exchange.serve(res, async () => {
      const collections = unwrap(await this.context.control.listCollections());
      return json(200, { collections, total: collections.length });
    });
  }

  getCollection(res: HttpResponse, name: string): void {
    this.exchange.serve(res, async () => json(200, await this.describe(name)));
  }

  createCollection(res: HttpResponse, req: HttpRequest): void {
    this.exchange.serveBody(res, req, async (body) => {
      const { name, ttlSeconds, schema, indexes } = readNewCollection(body);
      const { control } = this.context;
      if (schema === undefined && indexes === undefined)
        unwrap(await control.createCollection(name, true, ttlSeconds));
      else {
        // With the SQL compiler, which most fronts never need.
        const { bindDefinitions } = await import('./collection-definitions.js');
        const definitions = await bindDefinitions(name, schema, indexes);
        unwrap(await control.createCollection(name, true, ttlSeconds, definitions.schema));
        await this.createIndexes(name, definitions);
      }
      return json(201, await this.describe(name));
    });
  }

  /** All or, as far as this server lives, nothing. */
  private async createIndexes(name: string, { indexes }: CollectionDefinitions): Promise<void> {
    const { control } = this.context;
    try {
      for (const { statement, sql } of indexes) unwrap(await control.define(statement, sql));
    } catch (error) {
      await control.dropCollection(name);
      throw error;
    }
  }

  changeCollection(res: HttpResponse, req: HttpRequest, name: string): void {
    this.exchange.serveBody(res, req, async (body) => {
      const ttlSeconds = readCollectionChange(body);
      unwrap(await this.context.control.setCollectionTtl(name, ttlSeconds));
      return json(200, await this.describe(name));
    });
  }

  dropCollection(res: HttpResponse, name: string): void {
    this.exchange.serve(res, async () => {
      unwrap(await this.context.control.dropCollection(name));
      return json(200, { name, dropped: true });
    });
  }

  readOnly(res: HttpResponse): void {
    this.exchange.serve(res, () => this.context.control.readOnly());
  }

  setReadOnly(res: HttpResponse, req: HttpRequest): void {
    this.exchange.serveBody(res, req, async (body) =>
      unwrap(await this.context.control.setReadOnly(readReadOnly(body))),
    );
  }

  shutdown(res: HttpResponse, req: HttpRequest): void {
    this.exchange.serveBody(res, req, async (body) => {
      const request = readShutdown(body);
      const { pid } = await this.context.control.shutdown(request);
      return json(202, { status: 'shutting down', mode: request.mode, pid });
    });
  }

  private async describe(name: string): Promise<CollectionDescription> {
    const collections = unwrap(await this.context.control.listCollections());
    const found = collections.find((collection) => collection.name === name);
    if (found === undefined)
      throw new DbError('NOT_FOUND', `collection ${JSON.stringify(name)} does not exist`);
    return found;
  }
}

interface NewCollection {
  readonly name: string;
  readonly ttlSeconds: number;
  /** schema-body.ts reads these. */
  readonly schema: unknown;
  readonly indexes: unknown;
}

function readNewCollection(body: unknown): NewCollection {
  const object = asObject(body);
  refuseUnknown(object, ['name', 'schema', 'indexes', 'ttl']);
  if (typeof object.name !== 'string')
    throw new DbError('VALIDATION', 'name must be a string', { field: 'name' });
  const fault = collectionNameFault(object.name);
  if (fault !== undefined) throw new DbError('VALIDATION', fault.message, { field: 'name' });
  const { name, schema, indexes, ttl } = object;
  return { name, schema, indexes, ttlSeconds: ttl === undefined ? TTL_UNSET : readDefaultTtl(ttl) };
}

/** The one thing that can be changed: the default time to live. */
function readCollectionChange(body: unknown): number {
  const object = asObject(body);
  refuseUnknown(object, ['ttl']);
  if (object.ttl === undefined) throw new DbError('VALIDATION', 'ttl is missing', { field: 'ttl' });
  return readDefaultTtl(object.ttl);
}

/** Null takes the default away; a default of "never" would say the same, so it is read as one. */
function readDefaultTtl(value: unknown): number {
  const ttlSeconds = value === null ? TTL_NEVER : ttlOfJson(value);
  if (ttlSeconds !== undefined) return ttlSeconds === TTL_NEVER ? TTL_UNSET : ttlSeconds;
  const fault = ttlFault('ttl', value);
  throw new DbError(fault.code, fault.message, fault.details);
}

function readReadOnly(body: unknown): ReadOnlyRequest {
  const object = asObject(body);
  refuseUnknown(object, ['enabled', 'reason']);
  const { enabled, reason } = object;
  if (typeof enabled !== 'boolean') {
    throw new DbError('VALIDATION', 'enabled must be true or false', { field: 'enabled' });
  }
  if (reason === undefined) return { enabled };
  if (typeof reason !== 'string' || reason.trim() === '' || reason.length > READ_ONLY_REASON_LENGTH_MAX) {
    const message = `reason must be a text of 1 to ${READ_ONLY_REASON_LENGTH_MAX} characters`;
    throw new DbError('VALIDATION', message, { field: 'reason' });
  }
  return { enabled, reason };
}

function readShutdown(body: unknown): { mode: 'graceful' | 'force'; timeoutMs: number } {
  const object = asObject(body);
  refuseUnknown(object, ['mode', 'timeout_ms']);
  const mode = object.mode ?? 'graceful';
  if (mode !== 'graceful' && mode !== 'force') {
    throw new DbError('VALIDATION', 'mode can be "graceful" or "force"', { field: 'mode' });
  }
  const timeoutMs = object.timeout_ms ?? SHUTDOWN_TIMEOUT_MS_DEFAULT;
  if (typeof timeoutMs !== 'number' || !(timeoutMs >= 0 && timeoutMs <= SHUTDOWN_TIMEOUT_MS_MAX)) {
    const message = `timeout_ms must be a number from 0 to ${SHUTDOWN_TIMEOUT_MS_MAX}`;
    throw new DbError('VALIDATION', message, { field: 'timeout_ms' });
  }
  return { mode, timeoutMs };
}
