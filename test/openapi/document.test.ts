import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import test from 'ava';
import { openApiText } from '../../src/openapi/document.js';
import { asJson, OpenApi, pointerTo } from '../support/openapi-document.js';

const api = OpenApi.committed();

test('the committed document is what the code generates', (t) => {
  const isSame = readFileSync('docs/openapi.json', 'utf8') === openApiText();
  t.true(isSame, 'docs/openapi.json is out of date: npm run generate:openapi');
});

test('it is an OpenAPI 3.1 document', async (t) => {
  const validator = new Validator();
  const { valid, errors } = await validator.validate(structuredClone(api.document));
  t.true(valid, JSON.stringify(errors));
  t.is(validator.version, '3.1');
});

test('a validator that knows no better finds what is wrong', async (t) => {
  const broken = { ...structuredClone(api.document), paths: { '/x': { get: { responses: { ok: {} } } } } };
  t.false((await new Validator().validate(broken)).valid);
});

/** Every member of the document, with the pointer to it. */
function* members(value: unknown, pointer = ''): Generator<[string, unknown]> {
  yield [pointer, value];
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) yield* members(member, `${pointer}${pointerTo(name)}`);
}

test('every reference leads somewhere, and every component is used', (t) => {
  const references = new Set<string>();
  for (const [pointer, value] of members(api.document))
    if (pointer.endsWith('/$ref')) references.add(String(value));
  t.true(references.size > 50);
  for (const reference of references) t.notThrows(() => api.resolve(reference.slice(1)), reference);
  for (const [kind, components] of Object.entries(asJson(api.document['components'])))
    if (kind !== 'securitySchemes')
      for (const name of Object.keys(asJson(components)))
        t.true(references.has(`#/components/${kind}/${name}`), name);
});

test('every operation says what it is, under a name of its own', (t) => {
  const tags = (api.document['tags'] as { name: string }[]).map(({ name }) => name);
  for (const { method, path, object } of api.operations) {
    const what = `${method} ${path}`;
    t.regex(object.operationId, /^[a-z][A-Za-z]+$/, what);
    t.true(typeof object['summary'] === 'string' && object['summary'] !== '', what);
    t.true(
      (object['tags'] as string[]).every((tag) => tags.includes(tag)),
      what,
    );
    t.is('security' in object, !('x-lumadb-permission' in object), what);
  }
  t.is(new Set(api.operations.map(({ object }) => object.operationId)).size, api.operations.length);
});

test('the parameters of a path are those in its braces', (t) => {
  for (const { path, pointer, object } of api.operations) {
    const declared = ((object['parameters'] ?? []) as unknown[])
      .map((_, i) => api.resolve(`${pointer}/parameters/${i}`).value)
      .filter((parameter) => parameter['in'] === 'path')
      .map((parameter) => parameter['name']);
    t.deepEqual(
      declared,
      [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name),
      path,
    );
  }
});

test('every answer says its request id, and every error has the envelope', (t) => {
  for (const { pointer, object, method } of api.operations) {
    for (const status of Object.keys(object.responses)) {
      const answer = api.resolve(`${pointer}/responses/${status}`).value;
      t.true('X-Request-Id' in asJson(answer['headers']), `${pointer} ${status}`);
      const json = asJson(asJson(answer['content'])['application/json']);
      // Probes answer 503 with what they would answer otherwise.
      if (Number(status) < 400 || method === 'head' || (status === '503' && !isEnvelope(json))) continue;
      t.true(isEnvelope(json), `${pointer} ${status}`);
    }
  }
});

function isEnvelope({ schema }: Readonly<Record<string, unknown>>): boolean {
  return asJson(schema)['$ref'] === '#/components/schemas/Error';
}

test('examples meet the schemas that they are examples of', (t) => {
  let seen = 0;
  for (const [pointer, value] of members(api.document)) {
    if (!pointer.endsWith('/examples') || !Array.isArray(value)) continue;
    for (const example of value)
      t.is(api.faultOf(pointer.slice(0, -'/examples'.length), example), '', pointer);
    seen += value.length;
  }
  t.true(seen > 10);
});
