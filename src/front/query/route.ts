/**
 * POST /api/v1/query {"query","params","timeout_ms"}: an SQL statement and its result, as one JSON object or, with `Accept:
 * application/x-ndjson`, as a stream of rows. Front thread only.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Session } from '../../auth/session.js';
import { toWireError, type WireError } from '../../base/errors.js';
import { METHOD_QUERY } from '../../shm/stats-format.js';
import { isRefused } from '../access.js';
import type { BodyBudget } from '../body-budget.js';
import type { FrontContext } from '../front-context.js';
import { readBody } from '../read-body.js';
import { sendError } from '../respond.js';
import type { ResponseStreamer } from '../stream-response.js';
import { readQueryRequest } from './request.js';
import type { QueryRun, QueryRunner } from './runner.js';
import { StreamedAnswer } from './streamed-answer.js';

/** A statement of 1 MiB and its parameters. */
const QUERY_BODY_BYTES_MAX = 16 * 1024 * 1024;
const NDJSON = 'application/x-ndjson';

export class QueryRoute {
  constructor(
    private readonly context: FrontContext,
    private readonly budget: BodyBudget,
    private readonly streamer: ResponseStreamer,
    private readonly queries: QueryRunner,
  ) {}

  handle(res: HttpResponse, req: HttpRequest, session: Session): void {
    const startMs = this.context.meter.now();
    const isStream = req.getHeader('accept').includes(NDJSON);
    const requestId = this.context.requestId();
    const address = this.context.access.clientAddress(res, req);
    let run: QueryRun | undefined;
    let streamed: StreamedAnswer | undefined;
    let isGone = false;
    const finish = (error: WireError | undefined): void => {
      this.context.meter.done(METHOD_QUERY, error !== undefined, startMs);
      if (error !== undefined && !isGone) res.cork(() => sendError(res, error, requestId));
    };
    readBody(res, this.budget, QUERY_BODY_BYTES_MAX, {
      onBody: (body) => {
        const sender = this.context.access.stillAdmits(session, ['execute', 'queries']);
        if (isRefused(sender)) {
          finish(sender);
          return;
        }
        try {
          const request = readQueryRequest(body, isStream ? 'ndjson' : 'json', requestId, {
            session: sender,
            address,
          });
          if (isStream) streamed = new StreamedAnswer(res, requestId, finish);
          run = this.queries.run(
            request,
            streamed ?? {
              chunk: (_bytes: Uint8Array, taken: () => void) => taken(),
              done: (bytes: Uint8Array) => {
                finish(undefined);
                if (!isGone) res.cork(() => this.send(res, bytes, requestId));
              },
              failed: finish,
            },
          );
        } catch (error) {
          finish(toWireError(error));
        }
      },
      onRefused: (error) => {
        this.context.meter.done(METHOD_QUERY, true, startMs);
        sendError(res, error, requestId, true);
      },
      onAborted: () => {
        isGone = true;
        // Whatever arrives from now on must not touch the response.
        streamed?.gone();
        run?.clientGone();
      },
    });
  }

  private send(res: HttpResponse, body: Uint8Array, requestId: string): void {
    const headers = `application/json\r\nX-Request-Id: ${requestId}`;
    this.streamer.send(res, headers, body, requestId);
  }
}
