import test from 'ava';
import { OpenApi } from '../support/openapi-document.js';
import { registeredRoutes } from '../support/registered-routes.js';
import { OPEN, ROUTES } from '../support/route-matrix.js';

const api = OpenApi.committed();
const described = new Map(api.operations.map((each) => [`${each.method} ${each.path}`, each]));

/** What http-server.ts makes of its wildcard, by method. */
const BEHIND_WILDCARD: Readonly<Record<string, readonly string[]>> = {
  get: ['/api/v1/{collection}', '/api/v1/{collection}/{id}'],
  head: ['/api/v1/{collection}/{id}'],
  put: ['/api/v1/{collection}/{id}'],
  patch: ['/api/v1/{collection}/{id}'],
  delete: ['/api/v1/{collection}/{id}'],
  post: ['/api/v1/{collection}', '/api/v1/{collection}/bulk', '/api/v1/query'],
};

const templateOf = (path: string): string => path.replaceAll(/:(\w+)/g, '{$1}');

test('the document has the routes that the server registers, and no others', (t) => {
  // The last route answers that there is none.
  const registered = registeredRoutes().filter(({ path }) => path !== '/*');
  const expected = registered.flatMap(({ method, path }) =>
    path === '/api/v1/*'
      ? BEHIND_WILDCARD[method].map((each) => `${method} ${each}`)
      : `${method} ${templateOf(path)}`,
  );
  t.true(expected.length > 50);
  t.deepEqual([...described.keys()].sort(), expected.sort());
});

test('the document asks of callers what the routes ask', (t) => {
  for (const { method, path, access } of registeredRoutes()) {
    const operation = described.get(`${method} ${templateOf(path)}`);
    if (operation === undefined) continue;
    const permission = operation.object['x-lumadb-permission'];
    const what = `${method} ${path}`;
    if (access === 'anyone') t.deepEqual(operation.object['security'], [], what);
    // The handler may ask for more, with a name that it has to read first.
    else if (access === 'somebody') t.true(permission === null || /\{\w+\}/.test(String(permission)), what);
    else t.is(permission, access.join(':'), what);
  }
});

test('permissions are those that a server was seen to ask for', (t) => {
  const seen = new Set<string>();
  for (const { method, path, needs, body } of ROUTES) {
    const operation = api.find(method, path);
    t.truthy(operation, `${method} ${path}`);
    if (operation === undefined) continue;
    seen.add(operation.object.operationId);
    const names = operation.path.split('/').map((part, i): [string, unknown] => [part, path.split('/')[i]]);
    const values = {
      ...Object.fromEntries(names.map(([part, value]) => [part.slice(1, -1), value])),
      ...Object(body),
    };
    const permission = operation.object['x-lumadb-permission'] as string | null;
    t.is(
      permission?.replace(/\{(\w+)\}/, (_, name) => String(values[name])),
      needs,
      `${method} ${path}`,
    );
  }
  const others = api.operations.filter(({ object }) => !seen.has(object.operationId));
  t.deepEqual(others.map(({ path }) => path).sort(), [...OPEN].sort());
});
