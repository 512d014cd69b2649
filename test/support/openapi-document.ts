/** The committed OpenAPI document, and what tests ask of it: its operations, and whether a value meets one of its schemas. */
import { readFileSync } from 'node:fs';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';

export type Json = Readonly<Record<string, unknown>>;

export interface DescribedOperation {
  readonly method: string;
  readonly path: string;
  /** JSON pointer of the Operation Object. */
  readonly pointer: string;
  readonly object: Json & {
    readonly operationId: string;
    readonly responses: Readonly<Record<string, Json>>;
  };
}

const METHODS = ['get', 'head', 'put', 'patch', 'post', 'delete'];
const DATE_TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/;
const escaped = (name: string): string => name.replaceAll('~', '~0').replaceAll('/', '~1');

export const asJson = (value: unknown): Json => (value ?? {}) as Json;

export class OpenApi {
  readonly operations: readonly DescribedOperation[];
  private readonly ajv = new Ajv2020({ strict: false, allErrors: true, formats: { 'date-time': DATE_TIME } });
  private readonly validators = new Map<string, ValidateFunction>();

  constructor(readonly document: Json) {
    this.operations = Object.entries(asJson(document['paths'])).flatMap(([path, item]) =>
      Object.entries(asJson(item))
        .filter(([method]) => METHODS.includes(method))
        .map(([method, object]) => ({
          method,
          path,
          pointer: `/paths/${escaped(path)}/${method}`,
          object: object as DescribedOperation['object'],
        })),
    );
    this.ajv.addSchema(withoutMore(document) as Json, 'api');
  }

  /** ava runs in the root of the repository. */
  static committed(): OpenApi {
    return new OpenApi(JSON.parse(readFileSync('docs/openapi.json', 'utf8')));
  }

  /** The operation that a request is: of paths that fit, the one with the fewest parameters. */
  find(method: string, url: string): DescribedOperation | undefined {
    const path = url.replace(/\?.*/, '');
    const parameters = (template: string): number => template.split('{').length;
    return this.operations
      .filter((each) => each.method === method.toLowerCase() && patternOf(each.path).test(path))
      .sort((a, b) => parameters(a.path) - parameters(b.path))[0];
  }

  /** What stands at a pointer, behind a reference if it is one, and where that is. */
  resolve(pointer: string): { readonly value: Json; readonly pointer: string } {
    const value = pointer
      .split('/')
      .slice(1)
      .reduce<unknown>(
        (at, name) => asJson(at)[name.replaceAll('~1', '/').replaceAll('~0', '~')],
        this.document,
      );
    if (value === undefined) throw new Error(`there is no ${pointer}`);
    const reference = asJson(value)['$ref'];
    return typeof reference === 'string'
      ? this.resolve(reference.slice(1))
      : { value: asJson(value), pointer };
  }

  /** What is wrong with a value by the schema at a pointer; '' when nothing is. Members that are not described are wrong. */
  faultOf(pointer: string, value: unknown): string {
    const known = this.validators.get(pointer);
    const validate = known ?? this.ajv.compile({ $ref: `api#${encodeURI(pointer)}` });
    this.validators.set(pointer, validate);
    return validate(value) ? '' : this.ajv.errorsText(validate.errors, { dataVar: 'body' });
  }
}

export function pointerTo(...names: readonly string[]): string {
  return names.map((name) => `/${escaped(name)}`).join('');
}

function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll('.', '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`);
}

/**
 * Answers may get more members, says the document to its readers; here, what a server sends and the document lacks is a fault of
 * the document. A schema with properties that says nothing of others is closed.
 */
function withoutMore(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutMore);
  if (typeof value !== 'object' || value === null) return value;
  const object = Object.fromEntries(
    Object.entries(value).map(([name, member]) => [name, withoutMore(member)]),
  );
  const isOpen = object['type'] === 'object' && 'properties' in object && !('additionalProperties' in object);
  return isOpen ? { ...object, additionalProperties: false } : object;
}
