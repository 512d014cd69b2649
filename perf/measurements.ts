/**
 * The measurements of one round. Each starts its server afresh and loads it anew, so that none inherits the memory, the
 * compiled code or the full memtables of another.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { startBareServer } from './bare-peer.js';
import { runScript } from './child-process.js';
import { storedBytes } from './documents.js';
import type { Figures, IdleFigures, Measurement, Round } from './figures.js';
import { LumaServer } from './luma-server.js';
import type { Options } from './options.js';
import type { PacedLoad } from './paced-load.js';
import type { PacedReport } from './paced-sender.js';
import { PACED_LOAD_SCRIPT, WS_LOAD_SCRIPT } from './package-root.js';
import { rssMiB, watchCpu } from './process-usage.js';
import { type RedisLoad, RedisPeer } from './redis-peer.js';
import { runWrk, type WrkTarget } from './wrk.js';
import type { WsLoad, WsReport } from './ws-load.js';

/** Start, loading and draining of a script, on a slow machine. */
const GRACE_SECONDS = 60;
/** The bare server's part of a paced load, in length: it is steadier, and time is short. */
const FLOOR_SHARE = 1 / 3;
/** After this a server that was just started has nothing left to do. */
const SETTLE_MS = 2000;
const SETTLE_MS_SMOKE = 200;

export type Progress = (step: string) => void;

/** Runs one measurement into `round`. */
export async function measure(
  what: Exclude<Measurement, 'idle'>,
  options: Options,
  round: Round,
): Promise<void> {
  switch (what) {
    case 'bare':
      round.bare = await withBareServer(options, (target) => runWrk(target, 'get', options));
      return;
    case 'get':
      round.get = await withLoadedServer(options, (server) => runWrk(server, 'get', options));
      return;
    case 'put':
      round.put = await withLoadedServer(options, (server) => httpPut(server, options));
      return;
    case 'redis-set':
    case 'redis-get':
      round[what] = await redis(what === 'redis-set' ? 'set' : 'get', options);
      return;
    case 'ws-get':
    case 'ws-put':
      round[what] = await withLoadedServer(options, (server) =>
        webSocket(server, what === 'ws-get' ? 'get' : 'put', options),
      );
      return;
    case 'mixed':
      await mixed(options, round);
      return;
    default:
      throw new Error(`no measurement ${what satisfies never}`);
  }
}

/** CPU and memory of a server that was just started and that nobody talks to. */
export async function measureIdle(options: Options): Promise<IdleFigures> {
  const server = await LumaServer.start(options.documentBytes);
  const { pid } = server.process;
  await sleep(options.smoke ? SETTLE_MS_SMOKE : SETTLE_MS);
  const cpu = watchCpu(pid);
  await server.process.during(sleep(options.idleSeconds * 1000));
  const figures = { cpuPercent: (cpu() / options.idleSeconds) * 100, rssMiB: rssMiB(pid) };
  await server.stop();
  return figures;
}

export async function httpPut(server: LumaServer, options: Options): Promise<Figures> {
  const result = await runWrk(server, 'put', options);
  await server.check(options.keys, 'http', result.requests >= options.keys);
  return figuresOf(result);
}

export async function webSocket(server: LumaServer, kind: 'get' | 'put', options: Options): Promise<Figures> {
  const { connections, frameOperations, window, keys, documentBytes, warmUpSeconds, seconds } = options;
  const load: WsLoad = {
    url: `ws://127.0.0.1:${server.port}`,
    serverPid: server.process.pid,
    kind,
    connections,
    frameOperations,
    window,
    keys,
    documentBytes,
    warmUpSeconds,
    seconds,
  };
  const report = await server.process.during(
    runScript<WsReport>(`the WebSocket ${kind} load`, WS_LOAD_SCRIPT, load, limitSeconds(options)),
  );
  if (kind === 'put') await server.check(keys, 'sock', report.operations >= keys);
  return figuresOf(report);
}

async function withBareServer<T>(options: Options, work: (target: WrkTarget) => Promise<T>): Promise<T> {
  const bare = await startBareServer(storedBytes(options.documentBytes));
  const result = await work(bare);
  await bare.process.stop();
  return result;
}

async function withLoadedServer<T>(options: Options, work: (server: LumaServer) => Promise<T>): Promise<T> {
  const server = await LumaServer.start(options.documentBytes);
  await server.load(options.keys);
  const result = await work(server);
  await server.stop();
  return result;
}

async function redis(load: RedisLoad, options: Options): Promise<Figures> {
  const peer = await RedisPeer.start(options);
  await peer.load();
  const figures = await peer.run(load);
  await peer.stop();
  return figures;
}

/** Finds the peak of a 50/50 load, then measures at half of it, on our server and on the bare one. */
async function mixed(options: Options, round: Round): Promise<void> {
  const peak = await withLoadedServer(options, async (server) => {
    const result = await runWrk(server, 'mixed', options);
    round['mixed-peak'] = figuresOf(result);
    round.mixed = await paced(server, result.opsPerSecond / 2, options);
    await server.check(options.keys, 'http', result.requests >= 2 * options.keys);
    return result;
  });
  // What of the latency is the generator's and the machine's: nothing can be under this.
  round['mixed-floor'] = await withBareServer(options, (target) =>
    paced(target, peak.opsPerSecond / 2, { ...options, seconds: options.seconds * FLOOR_SHARE }),
  );
}

async function paced(target: WrkTarget, rate: number, options: Options): Promise<Figures> {
  const { connections, keys, documentBytes, warmUpSeconds, seconds } = options;
  const serverPid = target.process.pid;
  const load: PacedLoad = {
    serverPid,
    port: target.port,
    rate,
    connections,
    keys,
    documentBytes,
    warmUpSeconds,
    seconds,
  };
  const report = await target.process.during(
    runScript<PacedReport>('the paced load', PACED_LOAD_SCRIPT, load, limitSeconds(options)),
  );
  return { ...figuresOf(report), targetOpsPerSecond: rate };
}

function limitSeconds({ warmUpSeconds, seconds }: Options): number {
  return warmUpSeconds + seconds + GRACE_SECONDS;
}

function figuresOf(result: Figures): Figures {
  const { opsPerSecond, p50Ms, p99Ms, p999Ms, serverCores, clientCores } = result;
  return { opsPerSecond, p50Ms, p99Ms, p999Ms, serverCores, clientCores };
}
