/** Values that answers and requests of several areas share. */
import { z } from 'zod';
import { COLLECTION_NAME_LENGTH_MAX, TTL_SECONDS_MAX } from '../base/limits.js';
import { COLLECTION_NAME } from '../front/path.js';

/** ISO 8601 with milliseconds, in UTC; described and not checked, unlike z.iso.datetime(). */
export const timestamp = z.string().meta({ format: 'date-time', examples: ['2027-01-31T00:00:00.000Z'] });

/** Bytes, documents, milliseconds: whole and never below zero. */
export const count = z.int().nonnegative();

export const durability = z.enum(['always', 'group', 'os']);

export const seqno = count.meta({
  id: 'Seqno',
  description: 'A version of a document; versions of a shard only grow.',
});

const collectionNameText = z.string().max(COLLECTION_NAME_LENGTH_MAX).regex(COLLECTION_NAME);

export const collectionName = collectionNameText.meta({
  id: 'CollectionName',
  description: '`collections`, `query`, `transactions` and names that begin with `system.` are reserved.',
  examples: ['users'],
});

export const ttlSeconds = z.int().min(0).max(TTL_SECONDS_MAX);

/** Objects of which only some members are described, since the others change with what they report. */
export const anyObject = z.record(z.string(), z.unknown());

export const shardNumber = count;

/** `id`: a component has the name of its parameter, so paths that call it otherwise need another. */
const collectionIn = (id: string) =>
  collectionNameText.meta({ param: { id, description: 'The name of a collection.' } });

/** `{collection}` of paths. */
export const collectionParameter = collectionIn('Collection');
/** `{name}` of paths. */
export const namedCollectionParameter = collectionIn('NamedCollection');

/** The one parameter of paths that name something the server has made. */
export function idParameter(description: string) {
  return z.object({ id: z.string().meta({ param: { description } }) });
}
