/**
 * What an analytic query does to writers: durable PUTs as fast as some clients can, and at a fixed rate, each of them alone and
 * beside a client that runs one query after the other.
 */
import { fileURLToPath } from 'node:url';
import { runScript } from '../child-process.js';
import { median } from '../figures.js';
import type { PacedReport } from '../paced-sender.js';
import { watchTreeCpu } from '../process-tree.js';
import { COMPARISONS, type ComparisonName } from './comparisons.js';
import type { InterferenceFigures, QueryLoop } from './figures.js';
import type { SqlOptions } from './options.js';
import type { SqlPeer } from './peer.js';
import { type PointReport, runPointLoad } from './point-load.js';
import type { PutStream } from './put-stream.js';

const STREAM_SCRIPT = fileURLToPath(new URL('./put-stream.js', import.meta.url));
const GRACE_SECONDS = 120;
const QUERY: ComparisonName = 'group';

export class Interference {
  constructor(
    private readonly peer: SqlPeer,
    private readonly options: SqlOptions,
  ) {}

  async measure(): Promise<InterferenceFigures> {
    const { putSeconds } = this.options;
    const cpu = watchTreeCpu(this.peer.process.pid);
    const startMs = performance.now();
    const queryAlone = await this.queryUntil(() => performance.now() - startMs >= putSeconds * 1000);
    const queryCores = cpu() / ((performance.now() - startMs) / 1000);
    const putsAlone = await this.puts();
    const [putsBeside, queryBesidePuts] = await this.beside(this.puts());
    const streamAlone = await this.stream();
    const [streamBeside, queryBesideStream] = await this.beside(this.stream());
    return {
      query: QUERY,
      queryCores,
      queryAlone,
      putsAlone,
      putsBeside,
      queryBesidePuts,
      streamAlone,
      streamBeside,
      queryBesideStream,
    };
  }

  /** `work`, with one query after the other beside it. */
  private async beside<T>(work: Promise<T>): Promise<[T, QueryLoop]> {
    let isDone = false;
    const done = (): void => {
      isDone = true;
    };
    work.then(done, done);
    return Promise.all([work, this.queryUntil(() => isDone)]);
  }

  private async queryUntil(isDone: () => boolean): Promise<QueryLoop> {
    const durations: number[] = [];
    do {
      const startMs = performance.now();
      await this.peer.rows(COMPARISONS[QUERY], []);
      durations.push(performance.now() - startMs);
    } while (!isDone());
    return { executions: durations.length, medianMs: median(durations) };
  }

  private puts(): Promise<PointReport> {
    const { peer, options } = this;
    const { documents, clients, warmUpSeconds, putSeconds, seed } = options;
    return peer.process.during(
      runPointLoad({
        peer: peer.name,
        port: peer.port,
        serverPid: peer.process.pid,
        what: 'put',
        documents,
        clients,
        warmUpSeconds,
        seconds: putSeconds,
        seed,
      }),
    );
  }

  private stream(): Promise<PacedReport> {
    const { peer, options } = this;
    const { documents, clients, warmUpSeconds, putSeconds, putRate, seed } = options;
    const stream: PutStream = {
      port: peer.port,
      serverPid: peer.process.pid,
      rate: putRate,
      connections: clients,
      warmUpSeconds,
      seconds: putSeconds,
      documents,
      seed,
    };
    const limit = warmUpSeconds + putSeconds + GRACE_SECONDS;
    return peer.process.during(runScript<PacedReport>('the stream of writes', STREAM_SCRIPT, stream, limit));
  }
}
