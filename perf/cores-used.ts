/** For load generators: the cores that they and the server use while they measure. */
import { watchCpu } from './process-usage.js';

export interface CoresUsed {
  readonly serverCores: number;
  readonly clientCores: number;
}

/** Watches from `delayMs` from now, when the warm-up is over, until the function it returns is called. */
export function watchCores(serverPid: number, delayMs: number): () => CoresUsed {
  let startMs = performance.now();
  let serverSeconds = watchCpu(serverPid);
  let clientSeconds = watchCpu(process.pid);
  const timer = setTimeout(() => {
    startMs = performance.now();
    serverSeconds = watchCpu(serverPid);
    clientSeconds = watchCpu(process.pid);
  }, delayMs);
  return () => {
    clearTimeout(timer);
    const seconds = (performance.now() - startMs) / 1000;
    return { serverCores: serverSeconds() / seconds, clientCores: clientSeconds() / seconds };
  };
}
