/** Runs JavaScript in a worker of this process through the inspector, whatever the worker's own code offers. */
import { type NodeWorker, Session } from 'node:inspector';
import type { Worker } from 'node:worker_threads';

/** The expression runs in a turn of the worker's event loop of its own. */
export async function evaluateInWorker({ threadId }: Worker, expression: string): Promise<void> {
  const session = new Session();
  session.connect();
  const attached = new Promise<NodeWorker.AttachedToWorkerEventDataType>((resolve) => {
    session.on('NodeWorker.attachedToWorker', ({ params }) => {
      if (params.workerInfo.title.startsWith(`[worker ${threadId}]`)) resolve(params);
    });
  });
  session.post('NodeWorker.enable', { waitForDebuggerOnStart: false });
  const { sessionId } = await attached;
  const answered = new Promise<void>((resolve) => {
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => {
      if (params.sessionId === sessionId) resolve();
    });
  });
  const params = { expression: `setImmediate(() => { ${expression} })` };
  const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params });
  session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  await answered;
  session.disconnect();
}
