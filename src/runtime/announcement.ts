/**
 * What a serving process says about itself: the text of LOCK and of server.json, and what becomes of it in a message. The
 * files are in data-directory.ts. Pure functions.
 */
import { DbError } from '../base/errors.js';

/** What a serving process says about itself. */
export interface Announcement {
  readonly pid: number;
  /** Null until the server listens. */
  readonly host: string | null;
  readonly port: number | null;
  /** Path of its certificate; absent: it speaks plain HTTP. */
  readonly tls_cert?: string;
  /** ISO 8601. */
  readonly started_at: string;
}

/** Null when the text makes no sense. */
export function parseAnnouncement(text: string): Announcement | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (typeof value !== 'object' || value === null) return null;
  const { pid, host, port, tls_cert, started_at } = value as Partial<Record<keyof Announcement, unknown>>;
  if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return null;
  return {
    pid,
    host: typeof host === 'string' ? host : null,
    port: typeof port === 'number' ? port : null,
    ...(typeof tls_cert === 'string' && { tls_cert }),
    started_at: typeof started_at === 'string' ? started_at : 'an unknown time',
  };
}

/** An IPv6 address in a URL. */
export const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

/** For somebody who wants the directory that `holder` has. */
export function lockedError(path: string, holder: Announcement | null): DbError {
  const who =
    holder === null
      ? 'another process (it has not said which)'
      : `process ${holder.pid}, running since ${holder.started_at}${
          holder.port === null ? '' : `, listening on ${holder.host}:${holder.port}`
        }`;
  const stop = holder === null ? '' : ` (lumadb shutdown --data-dir ${path}, or kill ${holder.pid})`;
  return new DbError(
    'DATA_DIRECTORY_LOCKED',
    `the data directory ${path} is in use by ${who}. Stop it${stop}, or choose another --data-dir.`,
    { path, pid: holder?.pid ?? null, host: holder?.host ?? null, port: holder?.port ?? null },
  );
}
