/** A whole YCSB run: one server, loaded once, then every workload on every transport, then the write-pause probe. */
import { fileURLToPath } from 'node:url';
import { BUSY_MS_MAX } from '../bulk-put.js';
import { removeDirectory, runScript, temporaryDirectory } from '../child-process.js';
import type { PacedReport } from '../paced-sender.js';
import { ProgressLine } from '../progress.js';
import { recordHead } from '../record.js';
import { ServerProcess } from '../server-process.js';
import type { Transport, YcsbLoad, YcsbReport } from './load.js';
import { loadRecords } from './loading.js';
import { configOf, dataBytesOf, memoryBytesOf, type YcsbOptions } from './options.js';
import { type PauseResult, type WorkloadResult, warningsOf, type YcsbRecord } from './record.js';
import { changeOf, readMetrics } from './server-metrics.js';
import type { WorkloadName } from './workloads.js';
import type { WriteStream } from './write-stream.js';

const LOAD_RUN_SCRIPT = fileURLToPath(new URL('./load-run.js', import.meta.url));
const WRITE_STREAM_SCRIPT = fileURLToPath(new URL('./write-stream.js', import.meta.url));
/** Start of a generator, and the end of what is under way. */
const GRACE_SECONDS = 60 + BUSY_MS_MAX / 1000;
/** The background of the probe: enough to keep flushes and compactions going, on frames that do not block the shard. */
const BACKGROUND = { wsConnections: 2, window: 2 } as const;
const STREAM_CONNECTIONS = 64;
const STREAM_WARM_UP_SECONDS = 1;

class YcsbRun {
  /** Records that are there; inserts add to them. */
  private records: number;

  constructor(
    private readonly server: ServerProcess,
    private readonly options: YcsbOptions,
  ) {
    this.records = options.records;
  }

  async workload(workload: WorkloadName, transport: Transport): Promise<WorkloadResult> {
    const report = await this.generate({ workload, transport }, this.options);
    this.records = report.records;
    return { workload, transport, ...report };
  }

  async writePause(): Promise<PauseResult> {
    const { server, options, records } = this;
    const { pauseSeconds, pauseRate, seed } = options;
    const before = await readMetrics(server.httpUrl);
    const stream: WriteStream = {
      port: server.port,
      serverPid: server.process.pid,
      rate: pauseRate,
      connections: Math.min(STREAM_CONNECTIONS, options.connections),
      warmUpSeconds: STREAM_WARM_UP_SECONDS,
      seconds: pauseSeconds,
      records,
      seed,
    };
    const limit = STREAM_WARM_UP_SECONDS + pauseSeconds + GRACE_SECONDS;
    const [background, paced] = await Promise.all([
      this.generate(
        { workload: 'updates', transport: 'ws' },
        { ...options, ...BACKGROUND, seconds: pauseSeconds, warmUpSeconds: STREAM_WARM_UP_SECONDS },
      ),
      server.process.during(
        runScript<PacedReport>('the stream of writes', WRITE_STREAM_SCRIPT, stream, limit),
      ),
    ]);
    return { stream: paced, background, metrics: changeOf(before, await readMetrics(server.httpUrl)) };
  }

  private generate(
    what: Pick<YcsbLoad, 'workload' | 'transport'>,
    options: YcsbOptions,
  ): Promise<YcsbReport> {
    const { server, records } = this;
    const load: YcsbLoad = {
      ...what,
      port: server.port,
      serverPid: server.process.pid,
      records,
      connections: what.transport === 'http' ? options.connections : options.wsConnections,
      frameOperations: options.frameOperations,
      window: options.window,
      warmUpSeconds: options.warmUpSeconds,
      seconds: options.seconds,
      seed: options.seed,
    };
    const limit = options.warmUpSeconds + options.seconds + GRACE_SECONDS;
    const name = `workload ${what.workload} over ${what.transport}`;
    return server.process.during(runScript<YcsbReport>(name, LOAD_RUN_SCRIPT, load, limit));
  }
}

/** Workloads and transports, in the order in which they run. */
function stepsOf({ workloads, transports }: YcsbOptions): { workload: WorkloadName; transport: Transport }[] {
  return workloads
    .flatMap((workload) => transports.map((transport) => ({ workload, transport })))
    .filter(({ workload, transport }) => workload !== 'E' || transport === 'http');
}

export async function runYcsb(options: YcsbOptions, command: string): Promise<YcsbRecord> {
  const head = recordHead(command);
  const steps = stepsOf(options);
  const progress = new ProgressLine(steps.length + 2);
  const directory = temporaryDirectory('ycsb');
  const server = await ServerProcess.start({ directory, config: configOf(options.memory) });
  const before = await readMetrics(server.httpUrl);
  progress.next('loading');
  const load = await loadRecords(server, options.records, options.seed, (share) => progress.share(share));
  const run = new YcsbRun(server, options);
  const results: WorkloadResult[] = [];
  for (const { workload, transport } of steps) {
    progress.next(`workload ${workload} over ${transport}`);
    results.push(await run.workload(workload, transport));
  }
  const metrics = changeOf(before, await readMetrics(server.httpUrl));
  progress.next('write-pause probe');
  const pause = options.pauseSeconds > 0 ? await run.writePause() : undefined;
  progress.clear();
  await server.process.stop();
  removeDirectory(directory);
  const { json, history, ...configuration } = options;
  return {
    ...head,
    kind: 'ycsb',
    configuration,
    dataBytes: dataBytesOf(options.records),
    memoryBytes: memoryBytesOf(options.memory),
    load,
    results,
    pause,
    metrics,
    warnings: warningsOf(head, options, results, pause, metrics),
  };
}
