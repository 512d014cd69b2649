/** Generates the OpenAPI document of the whole HTTP API, `docs/openapi.json`, from the areas. A test compares them. */
import { isDeepStrictEqual } from 'node:util';
import { createDocument, type ZodOpenApiOverride, type ZodOpenApiPathItemObject } from 'zod-openapi';
import { packageVersion } from '../base/version.js';
import { apiKeys } from './areas/api-keys.js';
import { backups } from './areas/backups.js';
import { bulk } from './areas/bulk.js';
import { checkpoints } from './areas/checkpoints.js';
import { cluster } from './areas/cluster.js';
import { collections } from './areas/collections.js';
import { configurationArea } from './areas/configuration.js';
import { documents } from './areas/documents.js';
import { healthArea } from './areas/health.js';
import { logins } from './areas/logins.js';
import { query } from './areas/query.js';
import { storage } from './areas/storage.js';
import { tasks } from './areas/tasks.js';
import { users } from './areas/users.js';
import { webSocket } from './areas/web-socket.js';
import { type Area, operationObject } from './operation.js';

/** In the order of docs/api.md. */
const AREAS: readonly Area[] = [
  documents,
  bulk,
  query,
  collections,
  webSocket,
  healthArea,
  cluster,
  configurationArea,
  tasks,
  storage,
  backups,
  checkpoints,
  logins,
  users,
  apiKeys,
];

const INTRODUCTION = `The HTTP API of LumaDB. In words, with what is not said here: docs/api.md and docs/security.md.

- The \`Content-Type\` of requests does not matter, except for \`application/x-ndjson\`.
- \`x-lumadb-permission\` is what the caller needs: \`action:resource\`, with names out of the path or the body in braces, or null for whoever has logged in.
- A server that listens on loopback only trusts everybody there and asks for no login, unless \`security.require_auth\` says otherwise.
- What this document does not describe is answered with 404, and a method that a path does not have with 404 or 405.
- Answers may get more members in later releases; requests with members that are not listed are refused, except in documents.`;

export type OpenApiDocument = ReturnType<typeof createDocument>;

export function openApiDocument(): OpenApiDocument {
  return createDocument(
    {
      openapi: '3.1.1',
      info: {
        title: 'LumaDB',
        version: packageVersion(),
        description: INTRODUCTION,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: 'http://127.0.0.1:8080', description: 'A server with the default configuration.' }],
      // Either of them; both are checked if both are sent.
      security: [{ bearer: [] }, { apiKey: [] }],
      tags: AREAS.map(({ tag, description }) => ({ name: tag, description })),
      paths: pathsOf(AREAS),
      components: {
        securitySchemes: {
          bearer: {
            type: 'http',
            scheme: 'bearer',
            description: 'The token of a login (POST /auth/login), or an API key.',
          },
          apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key', description: 'An API key.' },
        },
      },
    },
    { override: simplify },
  );
}

/** The text of `docs/openapi.json`. */
export function openApiText(): string {
  return `${JSON.stringify(openApiDocument(), null, 2)}\n`;
}

function pathsOf(areas: readonly Area[]): Record<string, ZodOpenApiPathItemObject> {
  const paths: Record<string, ZodOpenApiPathItemObject> = {};
  for (const { tag, operations } of areas) {
    for (const operation of operations) {
      const { path, method } = operation;
      paths[path] = { ...paths[path], [method]: operationObject(operation, tag) };
    }
  }
  return paths;
}

/**
 * Zod says more than we mean: that answers will never have more members, that integers fit into a double, that names are texts.
 * And what is said about a parameter is left in a schema that is a reference.
 */
const simplify: ZodOpenApiOverride = ({ jsonSchema, zodSchema, io }) => {
  const { def } = zodSchema._zod;
  if (def.type === 'object' && io === 'output' && def.catchall === undefined)
    delete jsonSchema.additionalProperties;
  delete jsonSchema['param'];
  delete jsonSchema['header'];
  if (isDeepStrictEqual(jsonSchema.propertyNames, { type: 'string' })) delete jsonSchema.propertyNames;
  if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
  if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
};
