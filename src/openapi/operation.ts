/**
 * One operation of the API as this folder describes it, and how it becomes an Operation Object of OpenAPI. What every operation
 * has (errors of logins, permissions, bodies; X-Request-Id) is added here, so that an area says only what is its own.
 * Generator only: no thread of the server loads this folder.
 */
import type { z } from 'zod';
import type {
  ZodOpenApiOperationObject,
  ZodOpenApiResponseObject,
  ZodOpenApiResponsesObject,
} from 'zod-openapi';
import type { Action } from '../auth/permission.js';
import { type ErrorStatus, errorAnswer } from './errors.js';
import { type AnswerHeader, answerHeaders } from './headers.js';

export type Method = 'get' | 'head' | 'put' | 'patch' | 'post' | 'delete';

/** Nothing, to be somebody, or a permission whose resource may be a `{parameter}` of the path or a member of the body. */
export type Needed = 'anyone' | 'somebody' | `${Action}:${string}`;

export interface Answer {
  readonly description: string;
  /** Of application/json; absent: no body, or only what `others` has. */
  readonly body?: z.ZodType;
  /** Bodies of other media types. */
  readonly others?: Readonly<Record<string, z.ZodType>>;
  /** Beside X-Request-Id. */
  readonly headers?: readonly AnswerHeader[];
}

export interface Operation {
  readonly method: Method;
  readonly path: string;
  readonly operationId: string;
  readonly summary: string;
  readonly description?: string;
  readonly needs: Needed;
  readonly parameters?: {
    readonly path?: z.ZodObject;
    readonly query?: z.ZodObject;
    readonly header?: z.ZodObject;
  };
  readonly body?: {
    /** Of application/json. */
    readonly schema: z.ZodType;
    /** The schemas of bodies of other media types. */
    readonly others?: Readonly<Record<string, z.ZodType>>;
    /** An absent body is an empty object. */
    readonly isOptional?: true;
  };
  readonly answers: Readonly<Record<number, Answer>>;
  /** Beside those that commonErrors() gives it. */
  readonly errors?: readonly ErrorStatus[];
  /** There is no 503: it is answered whatever the state of the server. */
  readonly isAlwaysServed?: true;
}

/** Operations under one heading. */
export interface Area {
  readonly tag: string;
  readonly description: string;
  readonly operations: readonly Operation[];
}

export function operationObject(operation: Operation, tag: string): ZodOpenApiOperationObject {
  const { operationId, summary, description, needs, parameters, body } = operation;
  return {
    operationId,
    summary,
    ...(description === undefined ? {} : { description }),
    tags: [tag],
    ...(needs === 'anyone' ? { security: [] } : { 'x-lumadb-permission': permissionOf(needs) }),
    ...(parameters === undefined ? {} : { requestParams: parameters }),
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: body.isOptional !== true,
            content: contentOf(body.schema, body.others),
          },
        }),
    responses: responsesOf(operation),
  };
}

/** Null: whoever has logged in. */
const permissionOf = (needs: Exclude<Needed, 'anyone'>): string | null =>
  needs === 'somebody' ? null : needs;

function responsesOf(operation: Operation): ZodOpenApiResponsesObject {
  const own = Object.entries(operation.answers).map(([status, answer]) => [status, answerObject(answer)]);
  const errors = errorsOf(operation).map((status) => [
    String(status),
    errorAnswer(status, operation.method !== 'head'),
  ]);
  return Object.fromEntries([...own, ...errors]);
}

function answerObject({ description, body, others, headers = [] }: Answer): ZodOpenApiResponseObject {
  const content = contentOf(body, others);
  return {
    description,
    headers: answerHeaders(headers),
    ...(Object.keys(content).length === 0 ? {} : { content }),
  };
}

function contentOf(json: z.ZodType | undefined, others: Readonly<Record<string, z.ZodType>> = {}) {
  const all = Object.entries({ ...(json === undefined ? {} : { 'application/json': json }), ...others });
  return Object.fromEntries(all.map(([type, schema]) => [type, { schema }]));
}

/** Ascending, each once; an answer of the operation's own with that status goes before. */
function errorsOf(operation: Operation): ErrorStatus[] {
  const all = new Set([...commonErrors(operation), ...(operation.errors ?? [])]);
  return [...all].filter((status) => operation.answers[status] === undefined).sort((a, b) => a - b);
}

function commonErrors({ needs, method, body, isAlwaysServed }: Operation): ErrorStatus[] {
  const statuses: ErrorStatus[] = [500];
  if (isAlwaysServed !== true) statuses.push(503);
  // A login is not always asked for, and then whoever may be a web page is refused.
  if (needs !== 'anyone') statuses.push(401, 403, 429);
  if (method === 'post') statuses.push(403);
  // A body is read where none is described, too.
  if (body !== undefined || method === 'post') statuses.push(400, 413);
  return statuses;
}
