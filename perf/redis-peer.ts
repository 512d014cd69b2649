/** redis-server that syncs its append-only file before every answer, and redis-benchmark in front of it. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { ChildProcess, removeDirectory, temporaryDirectory } from './child-process.js';
import { documentTemplate, fillIn } from './documents.js';
import type { Figures } from './figures.js';
import { freePort } from './free-port.js';
import type { Options } from './options.js';
import { watchCpu } from './process-usage.js';

const START_MS_MAX = 10_000;
const POLL_MS = 20;
const GRACE_SECONDS = 30;
/** redis-benchmark counts requests, not seconds: this many tell how fast it goes, and warm up. */
const CALIBRATION_REQUESTS = 20_000;
const CALIBRATION_REQUESTS_SMOKE = 1000;
/** GET is no part of any ratio: a short look at it is enough. */
const REFERENCE_SHARE = 1 / 3;
/** Width of the number in redis-benchmark's keys. */
const KEY_DIGITS = 12;

export type RedisLoad = 'set' | 'get';

export class RedisPeer {
  private constructor(
    readonly process: ChildProcess,
    private readonly port: number,
    private readonly directory: string,
    private readonly options: Options,
  ) {}

  static async start(options: Options): Promise<RedisPeer> {
    const directory = temporaryDirectory('redis');
    const port = await freePort();
    // No RDB snapshots and no rewriting of the file: neither serves the durability we compare, both would slow it down.
    const settings = {
      port,
      bind: '127.0.0.1',
      dir: directory,
      appendonly: 'yes',
      appendfsync: 'always',
      save: '',
      'auto-aof-rewrite-percentage': 0,
      loglevel: 'warning',
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = new ChildProcess('redis-server', 'redis-server', args, { cwd: directory });
    await child.during(untilAnswering(port));
    return new RedisPeer(child, port, directory, options);
  }

  /** Loads the keys that redis-benchmark asks for. */
  async load(): Promise<void> {
    const { keys, documentBytes } = this.options;
    const template = documentTemplate('load', documentBytes);
    const commands: string[] = [];
    for (let i = 0; i < keys; i++) {
      const key = `key:${String(i).padStart(KEY_DIGITS, '0')}`;
      const value = fillIn(template, i);
      commands.push(`*3\r\n$3\r\nSET\r\n$${key.length}\r\n${key}\r\n$${value.length}\r\n${value}\r\n`);
    }
    const answer = await this.process.during(exchange(this.port, commands.join(''), '+OK\r\n'.length * keys));
    if (answer !== '+OK\r\n'.repeat(keys)) throw new Error('loading Redis failed');
  }

  async run(load: RedisLoad): Promise<Figures> {
    const { smoke, seconds } = this.options;
    const calibration = await this.benchmark(load, smoke ? CALIBRATION_REQUESTS_SMOKE : CALIBRATION_REQUESTS);
    const share = load === 'get' ? REFERENCE_SHARE : 1;
    const requests = Math.max(1000, Math.round(calibration.opsPerSecond * seconds * share));
    const cpu = watchCpu(this.process.pid);
    const figures = await this.benchmark(load, requests);
    return { ...figures, serverCores: (cpu() * figures.opsPerSecond) / requests };
  }

  async stop(): Promise<void> {
    await this.process.stop();
    removeDirectory(this.directory);
  }

  private async benchmark(load: RedisLoad, requests: number): Promise<Omit<Figures, 'serverCores'>> {
    const { connections, documentBytes, keys, seconds } = this.options;
    const settings = {
      '-h': '127.0.0.1',
      '-p': this.port,
      '-c': connections,
      '-P': 1,
      '-d': documentBytes,
      '-r': keys,
      '-n': requests,
      '-t': load,
      '--precision': 3,
    };
    const args = Object.entries(settings).flatMap(([name, value]) => [name, String(value)]);
    const child = new ChildProcess('redis-benchmark', 'redis-benchmark', args);
    const output = await this.process.during(child.finish(4 * seconds + GRACE_SECONDS));
    return parseBenchmark(output, requests);
  }
}

/**
 * Reads the long form: --csv has no p99.9. The distribution lists ever finer percentiles (99.805 %, 99.902 %, …); p99.9
 * is the first at or above 99.9 %.
 */
export function parseBenchmark(output: string, requests: number): Omit<Figures, 'serverCores'> {
  const fail = (what: string): Error =>
    new Error(`redis-benchmark: ${what}:\n${output.replaceAll(/[^\n]*\r/g, '').slice(-2000)}`);
  if (/^Error/m.test(output)) throw fail('an error');
  if (!/host configuration "appendonly": yes/.test(output))
    throw fail('the server does not append to a file');
  if (!output.includes(`${requests} requests completed in`)) throw fail('not every request was answered');
  const throughput = /throughput summary: ([\d.]+) requests per second/.exec(output);
  const distribution = output.slice(output.indexOf('Latency by percentile distribution'));
  const lines = [...distribution.matchAll(/^([\d.]+)% <= ([\d.]+) milliseconds/gm)];
  const summary = /p50\s+p95\s+p99\s+max\s*\n\s*[\d.]+\s+[\d.]+\s+([\d.]+)\s+[\d.]+\s+([\d.]+)/.exec(output);
  const p999 = lines.find((line) => Number(line[1]) >= 99.9);
  if (throughput === null || summary === null || p999 === undefined) throw fail('its report has changed');
  return {
    opsPerSecond: Number(throughput[1]),
    p50Ms: Number(summary[1]),
    p99Ms: Number(summary[2]),
    p999Ms: Number(p999[2]),
  };
}

/** Redis cannot choose a port itself. Between our closing it and its opening it somebody could take it: it then fails. */
async function untilAnswering(port: number): Promise<void> {
  const deadlineMs = performance.now() + START_MS_MAX;
  for (;;) {
    try {
      if ((await exchange(port, 'PING\r\n', '+PONG\r\n'.length)) === '+PONG\r\n') return;
    } catch (error) {
      if (performance.now() > deadlineMs) throw error;
    }
    await sleep(POLL_MS);
  }
}

/** Sends text and reads that many bytes of answer, or up to the end. */
function exchange(port: number, text: string, answerBytes: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let received = 0;
    const socket = connect(port, '127.0.0.1', () => socket.write(text));
    const done = (): void => {
      socket.destroy();
      resolve(Buffer.concat(chunks).toString('latin1'));
    };
    socket.on('error', reject);
    socket.on('end', done);
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      received += chunk.length;
      if (received >= answerBytes) done();
    });
  });
}
