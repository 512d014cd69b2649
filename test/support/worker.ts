/** Runs the worker threads of hammer tests: they live next to this file and are compiled with it. */
import { Worker } from 'node:worker_threads';

/** Starts `name` (a file in this folder, without extension). */
export function startWorker(name: string, workerData: unknown): Worker {
  return new Worker(new URL(`./${name}.js`, import.meta.url), { workerData });
}

/** The one message a worker posts when it is done. Rejects when the worker fails, dies silently or takes too long. */
export async function resultOf<T>(worker: Worker, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await new Promise<T>((resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`no result after ${timeoutMs} ms`)), timeoutMs);
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', (code) => reject(new Error(`the worker exited with ${code} and gave no result`)));
    });
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

const napWord = new Int32Array(new SharedArrayBuffer(4));

/** Blocks this thread. */
export function nap(ms: number): void {
  Atomics.wait(napWord, 0, 0, ms);
}
