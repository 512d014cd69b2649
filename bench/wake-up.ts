/**
 * What it costs to wake a thread that sits in its event loop, by mechanism: the measurement behind ADR 0002.
 * Run: node dist/bench/wake-up.js [round trips]. Alternates the mechanisms and prints one line each per round.
 */
import { performance } from 'node:perf_hooks';
import { fileURLToPath } from 'node:url';
import { isMainThread, MessageChannel, type MessagePort, Worker, workerData } from 'node:worker_threads';

const MECHANISMS = ['MessagePort', 'Atomics.waitAsync'] as const;
type Mechanism = (typeof MECHANISMS)[number];

const PING = 0;
const PONG = 1;
const ROUNDS = 3;

interface PeerData {
  readonly words: Int32Array;
  readonly mechanism: Mechanism;
  readonly port: MessagePort;
}

interface Figures {
  readonly p50Us: number;
  readonly p99Us: number;
  /** CPU of the whole process, both threads, per round trip. */
  readonly cpuUs: number;
}

/** The peer blocks in Atomics.wait, as a shard does, and answers each ping by the mechanism. */
function runPeer({ words, mechanism, port }: PeerData): void {
  port.postMessage('ready');
  for (let seen = 0; ; ) {
    Atomics.wait(words, PING, seen);
    seen = Atomics.load(words, PING);
    if (seen < 0) return;
    if (mechanism === 'MessagePort') port.postMessage(0);
    else {
      Atomics.add(words, PONG, 1);
      Atomics.notify(words, PONG);
    }
  }
}

async function measure(mechanism: Mechanism, roundTrips: number): Promise<Figures> {
  const words = new Int32Array(new SharedArrayBuffer(8));
  const { port1, port2 } = new MessageChannel();
  const worker = new Worker(fileURLToPath(import.meta.url), {
    workerData: { words, mechanism, port: port2 } satisfies PeerData,
    transferList: [port2],
  });
  await new Promise((resolve) => port1.once('message', resolve));
  const latenciesUs = new Float64Array(roundTrips);
  const cpuBefore = process.cpuUsage();
  await pingPong(mechanism, words, port1, latenciesUs);
  const cpu = process.cpuUsage(cpuBefore);
  Atomics.store(words, PING, -1);
  Atomics.notify(words, PING);
  await new Promise((resolve) => worker.once('exit', resolve));
  port1.close();
  latenciesUs.sort();
  return {
    p50Us: latenciesUs[roundTrips >> 1],
    p99Us: latenciesUs[Math.floor(roundTrips * 0.99)],
    cpuUs: (cpu.user + cpu.system) / roundTrips,
  };
}

function pingPong(
  mechanism: Mechanism,
  words: Int32Array,
  port: MessagePort,
  latenciesUs: Float64Array,
): Promise<void> {
  return new Promise((resolve) => {
    let count = 0;
    let sentAt = 0;
    const ping = (): void => {
      sentAt = performance.now();
      Atomics.add(words, PING, 1);
      Atomics.notify(words, PING);
    };
    const onPong = (): void => {
      latenciesUs[count++] = (performance.now() - sentAt) * 1000;
      if (count === latenciesUs.length) resolve();
      else setImmediate(ping); // through the event loop, where a front would be
    };
    if (mechanism === 'MessagePort') port.on('message', onPong);
    else waitForever(words, onPong, () => count < latenciesUs.length);
    ping();
  });
}

/** waitAsync alone does not keep the event loop alive, hence the timer. */
function waitForever(words: Int32Array, onWake: () => void, wantsMore: () => boolean): void {
  const keepAlive = setInterval(() => {}, 1000);
  let seen = Atomics.load(words, PONG);
  const arm = (): void => {
    const result = Atomics.waitAsync(words, PONG, seen);
    if (result.async) result.value.then(wake);
    else queueMicrotask(wake);
  };
  const wake = (): void => {
    seen = Atomics.load(words, PONG);
    onWake();
    if (wantsMore()) arm();
    else clearInterval(keepAlive);
  };
  arm();
}

async function main(): Promise<void> {
  const roundTrips = Number(process.argv[2] ?? 20_000);
  console.log('mechanism            p50 us   p99 us   cpu us');
  for (let round = 0; round < ROUNDS; round++) {
    for (const mechanism of MECHANISMS) {
      const { p50Us, p99Us, cpuUs } = await measure(mechanism, roundTrips);
      const cells = [p50Us, p99Us, cpuUs].map((value) => value.toFixed(1).padStart(8));
      console.log(`${mechanism.padEnd(18)} ${cells.join(' ')}`);
    }
  }
}

if (isMainThread) await main();
else runPeer(workerData as PeerData);
