/** How modules add their routes: each says what it asks of its caller. Types only. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import type { RouteAccess } from './access.js';

export type GuardedHandler<A extends RouteAccess> = A extends 'anyone'
  ? (res: HttpResponse, req: HttpRequest) => void
  : (res: HttpResponse, req: HttpRequest, session: Session) => void;

export type Guard = <A extends RouteAccess>(
  access: A,
  handler: GuardedHandler<A>,
) => (res: HttpResponse, req: HttpRequest) => void;
