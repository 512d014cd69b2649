/** The configuration that holds, and changes to it. */
import { z } from 'zod';
import type { Area } from '../operation.js';
import { anyObject } from '../values.js';

const value = z.union([z.string(), z.number(), z.boolean(), z.array(z.string())]);

const configuration = z
  .object({
    config: z
      .record(z.string(), z.record(z.string(), value))
      .meta({ description: 'What holds now, by section.' }),
    file: z.string().nullable(),
    sources: z.record(z.string(), z.string()).meta({ description: 'Where each value comes from.' }),
    changes: anyObject.meta({ description: 'Those made here that are kept.' }),
    pending_restart: z.record(z.string(), z.object({ running: value, next_start: value })),
    live_keys: z.array(z.string()),
    problems: z.array(z.string()).meta({ description: 'Why the next start would fail.' }),
  })
  .meta({ id: 'Configuration' });

const changes = z.record(z.string(), z.union([value, z.null(), anyObject])).meta({
  id: 'ConfigurationChanges',
  description:
    'Keys as `section.key`, as `{"section":{"key":…}}`, or by the key alone where that is clear; null takes a change back. All or nothing.',
  examples: [{ log_level: 'debug' }, { 'query.slow_ms': 50 }],
});

const changed = z
  .object({
    changed: z.array(
      z.object({ key: z.string(), before: value, after: value, effect: z.enum(['live', 'restart']) }),
    ),
    persisted: z.literal(true),
    restart_required: z.boolean(),
  })
  .meta({ id: 'ConfigurationChanged' });

export const configurationArea: Area = {
  tag: 'Configuration',
  description: 'The configuration that holds, and changes that are kept across restarts.',
  operations: [
    {
      method: 'get',
      path: '/admin/config',
      operationId: 'getConfiguration',
      summary: 'See the configuration and where it comes from',
      needs: 'admin:config',
      answers: { 200: { description: 'The configuration.', body: configuration } },
      errors: [400],
    },
    {
      method: 'patch',
      path: '/admin/config',
      operationId: 'changeConfiguration',
      summary: 'Change keys of the configuration',
      description: 'A key that the environment or the command line sets is a conflict.',
      needs: 'admin:config',
      body: { schema: changes },
      answers: { 200: { description: 'The changes, and when each takes effect.', body: changed } },
      errors: [409],
    },
  ],
};
