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
  /** Resolves when the thread is gone. */
  readonly exited: Promise<ThreadExit>;
  private readonly ports: MessagePort[];

  constructor(options: ThreadOptions<object>) {
    const control = new MessageChannel();
    const host = new MessageChannel();
    this.ports = [control.port1, host.port1];
    this.worker = new Worker(options.script, {
      name: options.name,
      workerData: { ...options.data, controlPort: control.port2, hostPort: host.port2 },
      transferList: [control.port2, host.port2],
    });
    let error: Error | undefined;
    this.worker.on('error', (cause) => {
      error = cause instanceof Error ? cause : new Error(String(cause));
    });
    this.exited = new Promise((resolve) => {
      this.worker.on('exit', (code) => {
        for (const port of this.ports) port.close();
        resolve({ code, error });
      });
    });
    const ringer = options.doorbell === undefined ? undefined : new DoorbellRinger(options.doorbell);
    this.control = remoteOf<Control>(control.port1, () => ringer?.ring());
    if (options.host !== undefined) exposeOn(host.port1, options.host);
  }

  /** A call that gives up when the thread ends instead of waiting for an answer that cannot come. */
  async call<T>(work: Promise<T>): Promise<T> {
    const gone = this.exited.then(({ error }): never => {
      throw error ?? new Error('the thread has ended');
    });
    gone.catch(() => {});
    return Promise.race([work, gone]);
  }
}
