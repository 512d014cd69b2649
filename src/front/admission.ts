/** The first thing that becomes of a request: its line for access.log is begun, and its caller is let in or not. */
import type { HttpRequest, HttpResponse } from 'uWebSockets.js';
import type { Session } from '../auth/session.js';
import type { WireError } from '../base/errors.js';
import { type CallerAccess, isRefused } from './access.js';
import type { FrontContext } from './front-context.js';

type Admitting = Pick<FrontContext, 'access' | 'accessLog'>;

/** The caller, or why there is none. `method`: of the request, in lower case, where the route has only one. */
export function admitted(
  context: Admitting,
  res: HttpResponse,
  req: HttpRequest,
  access: CallerAccess,
  method = '',
): Session | WireError {
  const session = context.access.admit(res, req, access);
  logRequest(context, res, req, isRefused(session) ? '' : session.name, method);
  return session;
}

/** `name`: of the caller; '' when unknown. */
export function logRequest(
  { access, accessLog }: Admitting,
  res: HttpResponse,
  req: HttpRequest,
  name: string,
  method = '',
): void {
  if (accessLog.isOn) accessLog.begin(res, req, access.clientAddress(res, req), name, method);
}
