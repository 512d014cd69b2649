/** Headers of answers, and those of requests that writes share. */
import { z } from 'zod';
import { TTL_SECONDS_MAX } from '../base/limits.js';
import { IDEMPOTENCY_KEY_LENGTH_MAX } from '../front/limits.js';
import { durability, timestamp } from './values.js';

const ETAG_PATTERN = '"[0-9]{1,16}"';

const ANSWER_HEADERS = {
  'X-Request-Id': z.string().meta({
    header: {
      id: 'RequestId',
      description: 'Names this request in the logs; quote it when you report a problem.',
    },
  }),
  ETag: z
    .string()
    .regex(new RegExp(`^${ETAG_PATTERN}$`))
    .meta({ header: { id: 'ETag', description: 'The version of the document: its seqno in quotes.' } }),
  'X-LumaDB-Durability': durability.meta({
    header: {
      id: 'Durability',
      description: 'When this write was answered: the level that was asked for, or the default.',
    },
  }),
  'X-LumaDB-Expires-At': timestamp.optional().meta({
    header: { id: 'ExpiresAt', description: 'When the document expires, if it does.' },
  }),
  'Retry-After': z
    .string()
    .regex(/^[0-9]+$/)
    .meta({
      header: { id: 'RetryAfter', description: 'Seconds to wait before the request is tried again.' },
    }),
  'WWW-Authenticate': z.string().meta({ header: { id: 'WwwAuthenticate', description: 'Always `Bearer`.' } }),
} as const;

export type AnswerHeader = Exclude<keyof typeof ANSWER_HEADERS, 'X-Request-Id'>;

/** X-Request-Id is on every answer. */
export function answerHeaders(names: readonly AnswerHeader[]): z.ZodObject {
  const all = ['X-Request-Id', ...names] as const;
  return z.object(Object.fromEntries(all.map((name) => [name, ANSWER_HEADERS[name]])));
}

const ifMatch = z
  .string()
  .regex(new RegExp(`^(\\*|${ETAG_PATTERN})$`))
  .optional()
  .meta({
    param: {
      id: 'IfMatch',
      description: 'Only if the document is at this version, or with `*` if it exists; else 412.',
    },
    examples: ['"42"', '*'],
  });

const ifAbsent = z
  .literal('*')
  .optional()
  .meta({
    param: {
      id: 'IfNoneMatch',
      description: 'Only if the document does not exist; else 412. Not together with If-Match.',
    },
  });

const ifChanged = z
  .string()
  .optional()
  .meta({
    param: {
      id: 'IfNoneMatchOfRead',
      description: 'ETags, or `*`: a document that is still at one of these versions is answered with 304.',
    },
    examples: ['"42"'],
  });

const durabilityWanted = durability.optional().meta({
  param: { id: 'DurabilityWanted', description: 'When the write is answered; default: `wal.durability`.' },
});

export const ttlText = z.string().regex(/^([0-9]{1,9}|none)$/);

const ttl = ttlText.optional().meta({
  param: {
    id: 'Ttl',
    description: `The document expires this many seconds after the write, at most ${TTL_SECONDS_MAX}; \`0\` or \`none\`: never. A PUT or POST without it takes the default of its collection, a PATCH leaves the expiry as it is.`,
  },
  examples: ['3600', 'none'],
});

const idempotencyKey = z
  .string()
  .max(IDEMPOTENCY_KEY_LENGTH_MAX)
  .optional()
  .meta({
    param: {
      id: 'IdempotencyKey',
      description:
        'A retry with the same key gets the first answer and changes nothing; the same key with another request is a conflict.',
    },
  });

export const readHeaders = z.object({ 'If-None-Match': ifChanged });

const conditions = { 'If-Match': ifMatch, 'If-None-Match': ifAbsent };
const handling = { 'X-LumaDB-Durability': durabilityWanted, 'Idempotency-Key': idempotencyKey };

export const writeHeaders = z.object({ ...conditions, ...handling, 'X-LumaDB-TTL': ttl });
/** What is deleted has no time to live. */
export const deleteHeaders = z.object({ ...conditions, ...handling });
/** Conditions are about one document. */
export const bulkHeaders = z.object({ ...handling, 'X-LumaDB-TTL': ttl });
