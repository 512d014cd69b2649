/** What all request handlers of one front share. Built once by runtime/front-thread.ts. */
import type { DatabaseClock } from '../base/database-clock.js';
import type { WireError } from '../base/errors.js';
import type { DocumentScanner } from '../router/document-reader.js';
import type { ShardRouter } from '../router/shard-router.js';
import type { AccessControl } from './access.js';
import type { AccessLog, AccessLogLevel } from './access-log.js';
import type { CollectionRegistry } from './collections.js';
import type { ControlPlane } from './control-plane.js';
import type { RequestMeter } from './request-meter.js';

/** What may change while the front runs, in place: see runtime/front-settings.ts. */
export interface FrontSettings {
  readonly connectionsMax: number;
  readonly autoCreateCollections: boolean;
  /** How long a statement may take when the request does not say. */
  readonly queryTimeoutMs: number;
  /** Requests a second of one caller on this front; 0 = no limit. */
  readonly rateLimit: number;
  /** Which requests get a line in access.log. */
  readonly accessLogLevel: AccessLogLevel;
}

export interface FrontContext {
  readonly clock: DatabaseClock;
  readonly router: ShardRouter;
  readonly scanner: DocumentScanner;
  readonly collections: CollectionRegistry;
  readonly control: ControlPlane;
  readonly access: AccessControl;
  readonly accessLog: AccessLog;
  readonly meter: RequestMeter;
  readonly inFlightBodyBytesMax: number;
  readonly settings: FrontSettings;
  /** A new request id. */
  requestId(): string;
  /** A new document id. */
  documentId(): string;
  /** Asks for router.flush() at the end of this event-loop turn. */
  scheduleFlush(): void;
  /** Set once the server drains: new requests are refused with it. */
  draining: WireError | undefined;
}
