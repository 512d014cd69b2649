/** Runs wrk (closed loop: each connection sends its next request when it has the answer to the last). */
import { ChildProcess } from './child-process.js';
import { DOCUMENT_PATH, documentTemplate } from './documents.js';
import type { Figures } from './figures.js';
import type { Options } from './options.js';
import { LOAD_LUA } from './package-root.js';
import { watchCpu } from './process-usage.js';

const GRACE_SECONDS = 30;

interface WrkReport {
  readonly requests: number;
  readonly durationUs: number;
  readonly p50Us: number;
  readonly p99Us: number;
  readonly p999Us: number;
  readonly maxUs: number;
  readonly errors: Readonly<Record<'connect' | 'read' | 'write' | 'timeout' | 'status', number>>;
}

export interface WrkTarget {
  readonly process: ChildProcess;
  readonly port: number;
}

export type WrkLoad = 'get' | 'put' | 'mixed';

export interface WrkResult extends Figures {
  readonly requests: number;
}

/** Measures after a warm-up. One error of any kind, as an answer that is not 2xx or 3xx, is a failure. */
export async function runWrk(target: WrkTarget, load: WrkLoad, options: Options): Promise<WrkResult> {
  const warmUpSeconds = Math.ceil(options.warmUpSeconds);
  if (warmUpSeconds > 0) await runOnce(target, load, options, warmUpSeconds);
  const cpu = watchCpu(target.process.pid);
  const report = await runOnce(target, load, options, Math.ceil(options.seconds));
  const seconds = report.durationUs / 1e6;
  return {
    requests: report.requests,
    opsPerSecond: report.requests / seconds,
    p50Ms: report.p50Us / 1000,
    p99Ms: report.p99Us / 1000,
    p999Ms: report.p999Us / 1000,
    serverCores: cpu() / seconds,
  };
}

async function runOnce(
  target: WrkTarget,
  load: WrkLoad,
  options: Options,
  seconds: number,
): Promise<WrkReport> {
  const wrk = new ChildProcess('wrk', 'wrk', [
    `-t${options.wrkThreads}`,
    `-c${options.connections}`,
    `-d${seconds}s`,
    `-s${LOAD_LUA}`,
    `http://127.0.0.1:${target.port}`,
    '--',
    load,
    String(options.keys),
    DOCUMENT_PATH,
    documentTemplate('http', options.documentBytes),
  ]);
  const output = await target.process.during(wrk.finish(seconds + GRACE_SECONDS));
  const report = parseReport(output);
  const errors = Object.entries(report.errors).filter(([, count]) => count > 0);
  if (errors.length > 0) {
    const list = errors.map(([kind, count]) => `${count} ${kind}`).join(', ');
    throw new Error(
      `wrk (${load}) saw errors among ${report.requests} answers: ${list}.\n` +
        'Status errors of a PUT mean a full memtable chain (503) if the run is long: lower --seconds.\n' +
        target.process.output.slice(-1000),
    );
  }
  if (report.requests === 0) throw new Error(`wrk (${load}) got no answer`);
  return report;
}

export function parseReport(output: string): WrkReport {
  const match = /^LUMADB_WRK (\{.*\})$/m.exec(output);
  if (match === null) throw new Error(`wrk printed no report:\n${output.slice(0, 2000)}`);
  return JSON.parse(match[1]) as WrkReport;
}
