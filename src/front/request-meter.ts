/** Counts a front's requests in its shared-memory block. Front thread only; no allocation. */
import {
  FRONT_LATENCY,
  FRONT_REQUESTS_ERROR,
  FRONT_REQUESTS_OK,
  HISTOGRAM_CELLS,
  recordDuration,
} from '../shm/stats-format.js';

export class RequestMeter {
  readonly cells: Float64Array;

  constructor(
    block: SharedArrayBuffer,
    private readonly nowMs: () => number,
  ) {
    this.cells = new Float64Array(block);
  }

  now(): number {
    return this.nowMs();
  }

  /** `method`: METHOD_* of shm/stats-format.ts. `startMs`: what now() said when the request came. */
  done(method: number, isError: boolean, startMs: number): void {
    const cells = this.cells;
    cells[(isError ? FRONT_REQUESTS_ERROR : FRONT_REQUESTS_OK) + method]++;
    recordDuration(cells, FRONT_LATENCY + method * HISTOGRAM_CELLS, this.nowMs() - startMs);
  }

  /** Many requests that came and went together. */
  doneMany(method: number, count: number, errors: number, startMs: number): void {
    const cells = this.cells;
    cells[FRONT_REQUESTS_OK + method] += count - errors;
    cells[FRONT_REQUESTS_ERROR + method] += errors;
    recordDuration(cells, FRONT_LATENCY + method * HISTOGRAM_CELLS, this.nowMs() - startMs);
  }
}
