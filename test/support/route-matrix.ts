/**
 * Every route with what its caller needs. permissions.test.ts asks a server for each, with and without it; the OpenAPI document is
 * held against the same list.
 */

export interface MatrixRoute {
  readonly method: string;
  readonly path: string;
  /** Undefined: whoever has logged in. */
  readonly needs: string | undefined;
  readonly body?: unknown;
}

const route = (method: string, path: string, needs: string | undefined, body?: unknown): MatrixRoute => ({
  method,
  path,
  needs,
  body,
});

/** Bodies are such that nothing much happens: what matters is whether the caller is let in. */
export const ROUTES: readonly MatrixRoute[] = [
  route('GET', '/api/v1/orders/1', 'read:orders'),
  route('HEAD', '/api/v1/orders/1', 'read:orders'),
  route('GET', '/api/v1/orders', 'read:orders'),
  route('PUT', '/api/v1/orders/2', 'write:orders', {}),
  route('PATCH', '/api/v1/orders/1', 'write:orders', {}),
  route('DELETE', '/api/v1/orders/9', 'write:orders'),
  route('POST', '/api/v1/orders', 'write:orders', {}),
  route('POST', '/api/v1/orders/bulk', 'write:orders', { documents: [] }),
  route('POST', '/api/v1/query', 'execute:queries', { query: 'SELECT 1' }),
  route('GET', '/api/v1/collections', undefined),
  route('POST', '/api/v1/collections', 'write:made', { name: 'made' }),
  route('GET', '/api/v1/collections/orders', 'read:orders'),
  route('PATCH', '/api/v1/collections/orders', 'write:orders', { ttl: null }),
  route('DELETE', '/api/v1/collections/none', 'write:none'),
  route('GET', '/status', 'monitor:status'),
  route('GET', '/metrics', 'monitor:metrics'),
  route('GET', '/cluster/health', 'monitor:cluster'),
  route('GET', '/cluster/status', 'monitor:cluster'),
  route('GET', '/cluster/replication', 'monitor:cluster'),
  route('POST', '/cluster/transfer-leadership', 'admin:cluster', { target_node: 'x' }),
  route('GET', '/admin/read-only', 'admin:read-only'),
  route('POST', '/admin/read-only', 'admin:read-only', { enabled: false }),
  route('POST', '/admin/shutdown', 'admin:shutdown', { mode: 'sideways' }),
  route('GET', '/admin/memory', 'admin:storage'),
  route('GET', '/admin/compaction', 'admin:storage'),
  route('POST', '/admin/compaction', 'admin:storage', { collection: 'none' }),
  route('GET', '/admin/dump-state', 'admin:storage'),
  route('GET', '/admin/diagnostics', 'admin:storage'),
  route('GET', '/admin/tasks', 'admin:storage'),
  route('GET', '/admin/tasks/x', 'admin:storage'),
  route('POST', '/admin/tasks/x/cancel', 'admin:storage'),
  route('POST', '/admin/indexes/rebuild', 'admin:storage', { index: 'none' }),
  route('POST', '/admin/gc', 'admin:storage', { collection: 'none' }),
  route('GET', '/admin/backups', 'admin:storage'),
  route('POST', '/admin/backups', 'admin:storage', { job: 'none' }),
  route('GET', '/admin/checkpoints', 'admin:storage'),
  route('POST', '/admin/checkpoints', 'admin:storage', { lease_seconds: 1 }),
  route('POST', '/admin/checkpoints/none/renew', 'admin:storage', {}),
  route('DELETE', '/admin/checkpoints/none', 'admin:storage'),
  route('POST', '/admin/wal/archive', 'admin:storage', { older_than_ms: 1, destination: 'relative' }),
  route('GET', '/admin/config', 'admin:config'),
  route('PATCH', '/admin/config', 'admin:config', { log_level: 'loud' }),
  route('GET', '/admin/queries', 'admin:queries'),
  route('DELETE', '/admin/queries/x', 'admin:queries'),
  route('GET', '/auth/me', undefined),
  route('POST', '/auth/logout', undefined),
  route('POST', '/auth/password', undefined, { old_password: 'x', new_password: 'y' }),
  route('GET', '/admin/users', 'admin:users'),
  route('POST', '/admin/users', 'admin:users', {}),
  route('GET', '/admin/users/root', 'admin:users'),
  route('PATCH', '/admin/users/root', 'admin:users', {}),
  route('DELETE', '/admin/users/none', 'admin:users'),
  route('GET', '/admin/roles', 'admin:users'),
  route('GET', '/admin/api-keys', 'admin:users'),
  route('POST', '/admin/api-keys', 'admin:users', {}),
  route('POST', '/admin/api-keys/x/rotate', 'admin:users'),
  route('DELETE', '/admin/api-keys/x', 'admin:users'),
  route('GET', '/admin/blocked-addresses', 'admin:users'),
  route('PUT', '/admin/blocked-addresses', 'admin:users', {}),
];
/** What nobody needs a permission for. */
export const OPEN = ['/health', '/ready', '/live', '/auth/login', '/ws'];
