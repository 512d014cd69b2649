/** How requests hand over statements, whoever runs them. Types only. */
import type { WireError } from '../../base/errors.js';
import type { QueryRequest } from './request.js';

/** Where a result goes. */
export interface QuerySink {
  /** The next part of a streamed result; `taken` when the client has room for more. */
  chunk(bytes: Uint8Array, taken: () => void): void;
  /** The last part: of a JSON result, all of it. */
  done(bytes: Uint8Array): void;
  failed(error: WireError): void;
}

export interface QueryRun {
  /** Nobody waits for the result any more. */
  clientGone(): void;
}

export interface QueryRunner {
  run(request: QueryRequest, sink: QuerySink): QueryRun;
}
