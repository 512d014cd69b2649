/** Ending a thread in an orderly way, and in the other way when it does not listen. Main thread only. */
import type { Logger } from 'pino';
import type { ThreadHandle } from './thread-handle.js';

const CLOSE_WAIT_MS = 10_000;

/** Waits for a thread that was asked to close (`closing` is that call); terminates it when it does not end. */
export async function closeThread(
  name: string,
  thread: ThreadHandle<unknown>,
  closing: Promise<void>,
  logger: Logger,
): Promise<void> {
  closing.catch(() => {}); // a thread that dies instead has ended as well
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => resolve('late'), CLOSE_WAIT_MS);
  });
  const outcome = await Promise.race([thread.exited, late]);
  clearTimeout(timer);
  if (outcome !== 'late') return;
  logger.error({ thread: name }, `thread did not close within ${CLOSE_WAIT_MS} ms; terminating it`);
  await thread.worker.terminate();
}
