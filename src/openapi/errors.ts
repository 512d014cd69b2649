/** The error envelope, and one reusable answer for each status that an error can have. */
import { z } from 'zod';
import type { ZodOpenApiResponseObject } from 'zod-openapi';
import type { ApiErrorCode } from '../base/errors.js';
import { type AnswerHeader, answerHeaders } from './headers.js';

/** By code, so that the compiler misses one that is new. */
const CODES: Readonly<Record<ApiErrorCode, true>> = {
  VALIDATION_ERROR: true,
  QUERY_ERROR: true,
  UNAUTHORIZED: true,
  FORBIDDEN: true,
  NOT_FOUND: true,
  TIMEOUT: true,
  CONFLICT: true,
  PRECONDITION_FAILED: true,
  PAYLOAD_TOO_LARGE: true,
  RATE_LIMITED: true,
  INTERNAL_ERROR: true,
  UNAVAILABLE: true,
};

const code = z
  .enum(Object.keys(CODES) as [ApiErrorCode, ...ApiErrorCode[]])
  .meta({ id: 'ErrorCode', description: 'What went wrong, for programs.' });

const details = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])).meta({
  id: 'ErrorDetails',
  description:
    'What it is about: `field`, `offset` (a byte of the body), `limit` or `limitBytes`, `sqlstate` and `position`, `permission`, and others.',
});

/** Of one document in a bulk request, and within the envelope. */
const described = {
  code,
  message: z.string().meta({ description: 'For people.' }),
  details: details.optional(),
};

export const itemError = z.object(described).meta({ id: 'ItemError' });

export const errorEnvelope = z.object({ error: z.object({ ...described, request_id: z.string() }) }).meta({
  id: 'Error',
  description: 'Every answer with a status of 400 or more, unless the operation says otherwise.',
  examples: [
    {
      error: {
        code: 'NOT_FOUND',
        message: 'collection "users" does not exist',
        request_id: 'rGaYnijTTVmfR7LIzxMcqA-72',
      },
    },
  ],
});

interface ErrorKind {
  readonly id: string;
  readonly description: string;
  readonly headers?: readonly AnswerHeader[];
}

const KINDS = {
  400: {
    id: 'BadRequest',
    description:
      'VALIDATION_ERROR: malformed JSON (with the byte offset), or a field, parameter or header that cannot be. QUERY_ERROR: SQL, with its sqlstate.',
  },
  401: {
    id: 'Unauthorized',
    description: 'UNAUTHORIZED: no credentials, or some that are not valid.',
    headers: ['WWW-Authenticate'],
  },
  403: {
    id: 'Forbidden',
    description:
      'FORBIDDEN: the caller lacks the permission that `details.permission` names, or the request comes from a web page: it has an Origin, or without a login a Host that is not ours.',
  },
  404: { id: 'NotFound', description: 'NOT_FOUND: what the path or the body names does not exist.' },
  408: { id: 'Timeout', description: 'TIMEOUT: the statement ran longer than it may.' },
  409: {
    id: 'Conflict',
    description:
      'CONFLICT: it exists already, something else is under way, or an Idempotency-Key was used for something else.',
  },
  412: {
    id: 'PreconditionFailed',
    description:
      'PRECONDITION_FAILED: the document is not in the state that If-Match or If-None-Match asks for.',
  },
  413: { id: 'PayloadTooLarge', description: 'PAYLOAD_TOO_LARGE: with the limit in `details`.' },
  429: {
    id: 'RateLimited',
    description: 'RATE_LIMITED: more requests a second, or failed logins, than the configuration allows.',
    headers: ['Retry-After'],
  },
  500: {
    id: 'InternalError',
    description: 'INTERNAL_ERROR: a bug or damage; the server log has it under the request id.',
  },
  503: {
    id: 'Unavailable',
    description:
      'UNAVAILABLE: with the cause; a shard recovers or died, memtables are full, overload, draining, read-only. Of a write that was on its way the outcome is unknown: retry it with its Idempotency-Key.',
    headers: ['Retry-After'],
  },
} as const satisfies Readonly<Record<number, ErrorKind>>;

export type ErrorStatus = keyof typeof KINDS;

const answers = new Map<string, ZodOpenApiResponseObject>();

/** The same object each time: the generator makes one component of it. */
export function errorAnswer(status: ErrorStatus, hasBody: boolean): ZodOpenApiResponseObject {
  const { id, description, headers = [] }: ErrorKind = KINDS[status];
  const name = hasBody ? id : `${id}WithoutBody`;
  const known = answers.get(name);
  if (known !== undefined) return known;
  const made: ZodOpenApiResponseObject = {
    id: name,
    description,
    headers: answerHeaders(headers),
    ...(hasBody ? { content: { 'application/json': { schema: errorEnvelope } } } : {}),
  };
  answers.set(name, made);
  return made;
}
