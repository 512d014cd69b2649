/**
 * One control request and its answer over HTTP: reads the body, keeps web pages out, waits for the main thread, and
 * answers unless the client has gone. Front thread only, off the hot path.
 */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import { fromWireError, toWireError, type WireError } from '../base/errors.js';
import { METHOD_OTHER } from '../shm/stats-format.js';
import { type CallerAccess, isRefused } from './access.js';
import { logAnswer } from './access-log.js';
import type { BodyBudget } from './body-budget.js';
import { parseJson } from './control-body.js';
import type { ControlResult } from './control-plane.js';
import type { FrontContext } from './front-context.js';
import { CONTROL_BODY_BYTES_MAX } from './limits.js';
import { readBody } from './read-body.js';
import { sendError, statusLine } from './respond.js';

export const PAGE_REFUSED: WireError = {
  code: 'FORBIDDEN',
  message: 'requests from web pages (with an Origin header) are refused',
};

export interface ControlRouteAnswer {
  readonly httpStatus: number;
  readonly body: string;
  readonly contentType?: string;
}

/** What it throws is the answer as well. `requestId`: for the audit log; the answer has it too. */
export type Answerer = (body: unknown, requestId: string) => Promise<ControlRouteAnswer>;

/** Who sends a body, and what he was let in by. */
export interface BodySender {
  readonly session: Session;
  readonly access: CallerAccess;
}

export class ControlExchange {
  constructor(
    private readonly context: FrontContext,
    private readonly budget: BodyBudget,
  ) {}

  /** Answers a request that has no body. */
  serve(res: HttpResponse, answerer: Answerer): void {
    let isGone = false;
    res.onAborted(() => {
      isGone = true;
    });
    const requestId = this.context.requestId();
    this.run(
      res,
      requestId,
      () => answerer(undefined, requestId),
      () => isGone,
    );
  }

  /** Answers a DELETE. */
  serveDelete(res: HttpResponse, req: HttpRequest, answerer: Answerer): void {
    const hasOrigin = req.getHeader('origin') !== '';
    this.serve(res, async (body, requestId) => {
      if (hasOrigin) throw fromWireError(PAGE_REFUSED);
      return answerer(body, requestId);
    });
  }

  /** Answers a request that changes something: any POST, with a body or without one. `sender`: undefined where anyone may. */
  serveBody(res: HttpResponse, req: HttpRequest, sender: BodySender | undefined, answerer: Answerer): void {
    // A browser page must not be able to steer a server on its user's machine: such requests carry an Origin.
    const hasOrigin = req.getHeader('origin') !== '';
    const requestId = this.context.requestId();
    let isGone = false;
    readBody(res, this.budget, CONTROL_BODY_BYTES_MAX, {
      onBody: (bytes) => {
        const text = new TextDecoder().decode(bytes);
        const parse = async (): Promise<ControlRouteAnswer> => {
          if (hasOrigin) throw fromWireError(PAGE_REFUSED);
          if (sender !== undefined) this.requireStill(sender);
          return answerer(parseJson(text), requestId);
        };
        this.run(res, requestId, parse, () => isGone);
      },
      onRefused: (error) => sendError(res, error, requestId, true),
      onAborted: () => {
        isGone = true;
      },
    });
  }

  /** Throws the DbError for who may not do it any more. */
  private requireStill({ session, access }: BodySender): void {
    const found = this.context.access.stillAdmits(session, access);
    if (isRefused(found)) throw fromWireError(found);
  }

  private run(
    res: HttpResponse,
    requestId: string,
    answer: () => Promise<ControlRouteAnswer>,
    isGone: () => boolean,
  ): void {
    const startMs = this.context.meter.now();
    answer()
      .catch((error: unknown) => toWireError(error))
      .then((answer) => {
        const failed = 'code' in answer;
        this.context.meter.done(METHOD_OTHER, failed, startMs);
        if (!isGone()) res.cork(() => this.send(res, requestId, answer));
      });
  }

  private send(res: HttpResponse, requestId: string, answer: ControlRouteAnswer | WireError): void {
    if ('code' in answer) {
      sendError(res, answer, requestId);
      return;
    }
    res.writeStatus(statusLine(answer.httpStatus));
    res.writeHeader(
      'Content-Type',
      `${answer.contentType ?? 'application/json'}\r\nX-Request-Id: ${requestId}`,
    );
    res.end(answer.body);
    logAnswer(res, answer.httpStatus, answer.body.length, requestId);
  }
}

/** What the main thread answered; throws the error that it answered. */
export function unwrap<T>(result: ControlResult<T>): T {
  if (result.error !== undefined) throw fromWireError(result.error);
  return result.ok;
}
