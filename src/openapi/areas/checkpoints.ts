/** Checkpoints: copies of the database at one seqno, lent to backups. */
import { z } from 'zod';
import { LEASE_SECONDS_DEFAULT, LEASE_SECONDS_MAX, LEASE_SECONDS_MIN } from '../../front/admin-body.js';
import type { Area } from '../operation.js';
import { count, idParameter, timestamp } from '../values.js';

const checkpoint = z
  .object({
    id: z.string(),
    path: z.string().meta({ description: 'Absolute, in the data directory.' }),
    seqno: count,
    taken_at: timestamp,
    expires_at: timestamp,
  })
  .meta({ id: 'Checkpoint' });

const request = z
  .strictObject({
    lease_seconds: z
      .number()
      .min(LEASE_SECONDS_MIN)
      .max(LEASE_SECONDS_MAX)
      .default(LEASE_SECONDS_DEFAULT)
      .meta({ description: 'How long it stays unless it is renewed.' }),
  })
  .meta({ id: 'CheckpointRequest' });

const STORAGE = 'admin:storage';
const path = idParameter('The id of a checkpoint.');

export const checkpoints: Area = {
  tag: 'Checkpoints',
  description: 'Copies of the database at one seqno, made of hard links, for backups.',
  operations: [
    {
      method: 'get',
      path: '/admin/checkpoints',
      operationId: 'listCheckpoints',
      summary: 'See the checkpoints that are there',
      needs: STORAGE,
      answers: {
        200: { description: 'The checkpoints.', body: z.object({ checkpoints: z.array(checkpoint) }) },
      },
    },
    {
      method: 'post',
      path: '/admin/checkpoints',
      operationId: 'createCheckpoint',
      summary: 'Make a checkpoint',
      needs: STORAGE,
      body: { schema: request, isOptional: true },
      answers: { 201: { description: 'It is there.', body: checkpoint } },
      errors: [409],
    },
    {
      method: 'post',
      path: '/admin/checkpoints/{id}/renew',
      operationId: 'renewCheckpoint',
      summary: 'Keep a checkpoint for another lease',
      needs: STORAGE,
      parameters: { path },
      answers: { 200: { description: 'It stays.', body: checkpoint } },
      errors: [404],
    },
    {
      method: 'delete',
      path: '/admin/checkpoints/{id}',
      operationId: 'removeCheckpoint',
      summary: 'Give a checkpoint back',
      needs: STORAGE,
      parameters: { path },
      answers: { 200: { description: 'The checkpoint that is gone.', body: checkpoint } },
      errors: [404],
    },
  ],
};
