/**
 * Collections over HTTP: list, create, look at, change, drop. The main thread answers; what the caller may do with a collection
 * is asked here, where its name is known. Front thread only, off the hot path.
 */
import type { HttpRequest, HttpResponse, TemplatedApp } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import { DbError, fromWireError } from '../base/errors.js';
import { TTL_NEVER, TTL_UNSET } from '../base/expiry.js';
import { isRefused, requirePermission } from './access.js';
import type { CollectionDefinitions } from './collection-definitions.js';
import { json } from './control-answer.js';
import { asObject, refuseUnknown } from './control-body.js';
import { type ControlExchange, unwrap } from './control-exchange.js';
import type { Actor, CollectionDescription } from './control-plane.js';
import type { FrontContext } from './front-context.js';
import { collectionNameFault, pathParameter } from './path.js';
import type { Guard } from './route-guard.js';
import { ttlFault, ttlOfJson } from './ttl.js';

const PATH = '/api/v1/collections';
const NAMED_PATH = `${PATH}/:name`;

export class CollectionRoutes {
  constructor(
    private readonly context: FrontContext,
    private readonly exchange: ControlExchange,
  ) {}

  addTo(app: TemplatedApp, guard: Guard): void {
    app.get(
      PATH,
      guard('somebody', (res, _req, session) => this.list(res, session)),
    );
    app.post(
      PATH,
      guard('somebody', (res, req, session) => this.create(res, req, session)),
    );
    app.get(
      NAMED_PATH,
      guard('somebody', (res, req, session) => this.show(res, pathParameter(req), session)),
    );
    app.patch(
      NAMED_PATH,
      guard('somebody', (res, req, session) => this.change(res, req, pathParameter(req), session)),
    );
    app.del(
      NAMED_PATH,
      guard('somebody', (res, req, session) => this.drop(res, req, pathParameter(req), session)),
    );
  }

  /** Those that the caller may read. */
  private list(res: HttpResponse, session: Session): void {
    this.exchange.serve(res, async () => {
      const all = unwrap(await this.context.control.listCollections());
      const collections = all.filter(({ name }) => session.allows('read', name));
      return json(200, { collections, total: collections.length });
    });
  }

  private show(res: HttpResponse, name: string, session: Session): void {
    this.exchange.serve(res, async () => {
      requirePermission(session, 'read', name);
      return json(200, await this.describe(name));
    });
  }

  private create(res: HttpResponse, req: HttpRequest, session: Session): void {
    const caller = this.context.access.caller(res, req, session);
    this.exchange.serveBody(res, req, { session, access: 'somebody' }, async (body, requestId) => {
      const actor = { ...caller, requestId };
      const { name, ttlSeconds, schema, indexes } = readNewCollection(body);
      const found = this.context.access.stillAdmits(session, ['write', name]);
      if (isRefused(found)) throw fromWireError(found);
      const { control } = this.context;
      if (schema === undefined && indexes === undefined)
        unwrap(await control.createCollection(name, true, ttlSeconds, undefined, actor));
      else {
        // With the SQL compiler, which most fronts never need.
        const { bindDefinitions } = await import('./collection-definitions.js');
        const definitions = await bindDefinitions(name, schema, indexes);
        unwrap(await control.createCollection(name, true, ttlSeconds, definitions.schema, actor));
        await this.createIndexes(name, definitions, actor);
      }
      return json(201, await this.describe(name));
    });
  }

  /** All or, as far as this server lives, nothing. */
  private async createIndexes(name: string, { indexes }: CollectionDefinitions, actor: Actor): Promise<void> {
    const { control } = this.context;
    try {
      for (const { statement, sql } of indexes) unwrap(await control.define(statement, sql, actor));
    } catch (error) {
      await control.dropCollection(name, actor);
      throw error;
    }
  }

  private change(res: HttpResponse, req: HttpRequest, name: string, session: Session): void {
    const caller = this.context.access.caller(res, req, session);
    this.exchange.serveBody(res, req, { session, access: ['write', name] }, async (body, requestId) => {
      const ttlSeconds = readCollectionChange(body);
      unwrap(await this.context.control.setCollectionTtl(name, ttlSeconds, { ...caller, requestId }));
      return json(200, await this.describe(name));
    });
  }

  private drop(res: HttpResponse, req: HttpRequest, name: string, session: Session): void {
    const caller = this.context.access.caller(res, req, session);
    this.exchange.serveDelete(res, req, async (_body, requestId) => {
      requirePermission(session, 'write', name);
      unwrap(await this.context.control.dropCollection(name, { ...caller, requestId }));
      return json(200, { name, dropped: true });
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
