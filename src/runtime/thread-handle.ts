/** A worker thread seen from the main thread: its comlink face and its end. */
import { MessageChannel, type MessagePort, Worker } from 'node:worker_threads';
import { DoorbellRinger } from '../shm/doorbell.js';
import { exposeOn, type Remote, remoteOf } from './endpoint.js';

export interface ThreadExit {
  readonly code: number;
  /** The error that ended the thread, if that is how it ended. */
  readonly error: Error | undefined;
}

export interface ThreadOptions<Data> {
  readonly script: URL;
  readonly name: string;
  /** The thread's data without its ports. */
  readonly data: Data;
  /** What the thread may call on the main thread. */
  readonly host?: object;
  /** Rung after every message: for threads that sleep in Atomics.wait. */
  readonly doorbell?: SharedArrayBuffer;
}

export class ThreadHandle<Control> {
  readonly control: Remote<Control>;
  readonly worker: Worker;
  /** As the thread itself sees it; the worker forgets it when it ends. */
  readonly threadId: number;
  /** Resolves when the thread is gone. */
  readonly exited: Promise<ThreadExit>;
  private readonly ports: MessagePort[];
  private readonly waiting = new Set<(reason: Error) => void>();
  private end: ThreadExit | undefined;

  constructor(options: ThreadOptions<object>) {
    const control = new MessageChannel();
    const host = new MessageChannel();
    this.ports = [control.port1, host.port1];
    this.worker = new Worker(options.script, {
      name: options.name,
      workerData: { ...options.data, controlPort: control.port2, hostPort: host.port2 },
      transferList: [control.port2, host.port2],
    });
    this.threadId = this.worker.threadId;
    let error: Error | undefined;
    this.worker.on('error', (cause) => {
      error = cause instanceof Error ? cause : new Error(String(cause));
    });
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        for (const port of this.ports) port.close();
        this.onEnd({ code, error });
        resolve({ code, error });
      });
    });
    const ringer = options.doorbell === undefined ? undefined : new DoorbellRinger(options.doorbell);
    this.control = remoteOf<Control>(control.port1, () => ringer?.ringForControl());
    // Answers to what the thread asks for must wake it just like calls.
    if (options.host !== undefined) exposeOn(host.port1, options.host, () => ringer?.ringForControl());
  }

  /** A call that gives up when the thread ends instead of waiting for an answer that cannot come. */
  call<T>(work: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.end !== undefined) {
        reject(endError(this.end));
        return;
      }
      // A set that empties itself: racing `work` against the promise of the exit would pile up reactions on that.
      this.waiting.add(reject);
      work.then(resolve, reject).finally(() => this.waiting.delete(reject));
    });
  }

  private onEnd(end: ThreadExit): void {
    this.end = end;
    for (const reject of this.waiting) reject(endError(end));
    this.waiting.clear();
  }
}

function endError({ error }: ThreadExit): Error {
  return error ?? new Error('the thread has ended');
}
