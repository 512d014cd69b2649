/** The one route that leaves HTTP. What goes over the socket is in docs/api.md and schemas/frame.fbs. */
import { z } from 'zod';
import type { Area } from '../operation.js';

const headers = z.object({
  Upgrade: z.literal('websocket'),
  Connection: z.literal('Upgrade'),
  'Sec-WebSocket-Version': z.literal('13'),
  'Sec-WebSocket-Key': z.string(),
});

export const webSocket: Area = {
  tag: 'WebSocket',
  description: 'Text frames of JSON and binary frames of FlatBuffers, many requests at a time.',
  operations: [
    {
      method: 'get',
      path: '/ws',
      operationId: 'openWebSocket',
      summary: 'Open a WebSocket',
      description:
        'Each operation over it needs the permission that its route needs. Without the headers of an upgrade there is no such route (404).',
      needs: 'somebody',
      parameters: { header: headers },
      answers: { 101: { description: 'The socket is open.' } },
      errors: [403, 404],
    },
  ],
};
