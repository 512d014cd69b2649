/** What a generator of concurrent small requests is told and what it reports; see point-load-run.ts. */
import { fileURLToPath } from 'node:url';
import { runScript } from '../child-process.js';
import type { Percentiles } from '../latency.js';
import type { ComparisonName } from './comparisons.js';
import type { PeerName } from './peer.js';

export interface PointLoad {
  readonly peer: PeerName;
  readonly port: number;
  readonly serverPid: number;
  /** A statement, or durable PUTs of orders that are there. */
  readonly what: ComparisonName | 'put';
  readonly documents: number;
  /** Connections, one request under way on each. */
  readonly clients: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
  readonly seed: number;
}

export interface PointReport extends Percentiles {
  readonly opsPerSecond: number;
  readonly rowsPerOp: number;
  /** Cores that the server's processes used, and those of the generator. */
  readonly serverCores: number;
  readonly clientCores: number;
}

const SCRIPT = fileURLToPath(new URL('./point-load-run.js', import.meta.url));
/** Start of the generator, and the end of what is under way. */
const GRACE_SECONDS = 120;

export function runPointLoad(load: PointLoad): Promise<PointReport> {
  const name = `the load of ${load.what} on ${load.peer}`;
  return runScript<PointReport>(name, SCRIPT, load, load.warmUpSeconds + load.seconds + GRACE_SECONDS);
}
