/**
 * What of the configuration a front goes by and what may change while it runs: PATCH /admin/config sends it anew. Fronts hold
 * one such object and change it in place, so that whoever holds it goes by the newest values.
 */
import type { Config } from '../config/schema.js';
import type { FrontSettings } from '../front/front-context.js';

export function frontSettings({ server, query, security, logging }: Config): FrontSettings {
  return {
    connectionsMax: Math.ceil(server.max_connections / server.front_threads),
    autoCreateCollections: server.auto_create_collections,
    queryTimeoutMs: query.timeout_ms,
    accessLogLevel: logging.access,
    rateLimit: Math.ceil(security.rate_limit / server.front_threads),
  };
}
