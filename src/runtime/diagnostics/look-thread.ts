/**
 * A thread of its own that looks at all others: it attaches to the main thread through the inspector, and through that to
 * every worker, and has each evaluate LOOK_EXPRESSION. No port is opened and no debugger or profiler is switched on.
 *
 * The inspector comes in by V8's interrupts, which also reach a thread that computes without end or sleeps in
 * Atomics.wait. What it cannot reach is a thread inside a system call or native code: that one is reported as silent, and
 * nothing waits for it. process.report.getReport() in the main thread would be simpler and shows the same stacks, but it
 * holds the main thread until every worker has answered: a compactor in a slow fsync would stop the server.
 */
import { type InspectorNotification, type NodeWorker, type Runtime, Session } from 'node:inspector';
import { parentPort, threadId } from 'node:worker_threads';
import { assert } from '../../base/assert.js';
import { systemClock } from '../../base/clock.js';
import { LOOK_EXPRESSION, type ThreadLook } from './thread-look.js';

export interface LookThreadData {
  /** How long a thread may take to answer. */
  readonly timeoutMs: number;
}

export interface LookedThread {
  /** 0 is the main thread. */
  readonly threadId: number;
  /** As Node.js calls it. */
  readonly title: string;
  readonly answeredMs?: number;
  readonly look?: ThreadLook;
  /** Why there is none, if it has answered. */
  readonly failed?: string;
}

export interface LookThreadResult {
  readonly threads: readonly LookedThread[];
  /** Of process.report, the parts that are of the whole process. */
  readonly report: Readonly<Record<string, unknown>>;
}

const EVALUATE: Runtime.EvaluateParameterType = { expression: LOOK_EXPRESSION, returnByValue: true };
const MAIN = 'main';

class Looking {
  private readonly session = new Session();
  private readonly startMs = systemClock.monotonicMs();
  /** By the inspector's session. */
  private readonly threads = new Map<string, LookedThread>();
  private readonly timer: NodeJS.Timeout;
  private allAreKnown = false;
  private isOver = false;

  constructor(
    timeoutMs: number,
    private readonly onEnd: (threads: readonly LookedThread[]) => void,
  ) {
    this.timer = setTimeout(() => this.end(), timeoutMs);
  }

  start(): void {
    const { session } = this;
    session.on('NodeWorker.attachedToWorker', ({ params }) => this.onAttached(params));
    session.on('NodeWorker.receivedMessageFromWorker', ({ params }) => this.onMessage(params));
    session.on('NodeWorker.detachedFromWorker', (message) => this.onDetached(message));
    session.connectToMainThread();
    this.threads.set(MAIN, { threadId: 0, title: 'main' });
    session.post('Runtime.evaluate', EVALUATE, (error, result) => {
      this.onAnswer(MAIN, error === null ? result : undefined, error?.message);
    });
    // It answers after it has told of every worker.
    session.post('NodeWorker.enable', { waitForDebuggerOnStart: false }, () => {
      this.allAreKnown = true;
      this.endIfAllAnswered();
    });
  }

  private onAttached({ sessionId, workerInfo }: NodeWorker.AttachedToWorkerEventDataType): void {
    const id = Number(/^\[worker (\d+)\]/.exec(workerInfo.title)?.[1] ?? -1);
    // Not at itself.
    if (id === threadId) return;
    this.threads.set(sessionId, { threadId: id, title: workerInfo.title });
    const message = JSON.stringify({ id: 1, method: 'Runtime.evaluate', params: EVALUATE });
    this.session.post('NodeWorker.sendMessageToWorker', { sessionId, message });
  }

  private onMessage({ sessionId, message }: NodeWorker.ReceivedMessageFromWorkerEventDataType): void {
    const { id, result, error } = JSON.parse(message) as {
      id?: number;
      result?: Runtime.EvaluateReturnType;
      error?: { message: string };
    };
    if (id === 1) this.onAnswer(sessionId, result, error?.message);
  }

  private onDetached({ params }: InspectorNotification<NodeWorker.DetachedFromWorkerEventDataType>): void {
    const thread = this.threads.get(params.sessionId);
    if (thread?.answeredMs === undefined) this.onAnswer(params.sessionId, undefined, 'the thread has ended');
  }

  private onAnswer(
    sessionId: string,
    answer: Runtime.EvaluateReturnType | undefined,
    error: string | undefined,
  ): void {
    const thread = this.threads.get(sessionId);
    if (thread === undefined || this.isOver) return;
    const answeredMs = Math.round((systemClock.monotonicMs() - this.startMs) * 10) / 10;
    const outcome = error === undefined ? readLook(answer) : { failed: error };
    this.threads.set(sessionId, { ...thread, answeredMs, ...outcome });
    this.endIfAllAnswered();
  }

  private endIfAllAnswered(): void {
    if (!this.allAreKnown) return;
    for (const { answeredMs } of this.threads.values()) if (answeredMs === undefined) return;
    this.end();
  }

  private end(): void {
    if (this.isOver) return;
    this.isOver = true;
    clearTimeout(this.timer);
    this.session.disconnect();
    this.onEnd([...this.threads.values()]);
  }
}

function readLook(answer: Runtime.EvaluateReturnType | undefined): Pick<LookedThread, 'look' | 'failed'> {
  const { exception } = answer?.exceptionDetails ?? {};
  if (exception !== undefined) return { failed: exception.description ?? 'the look failed' };
  try {
    return { look: JSON.parse(String(answer?.result.value)) as ThreadLook };
  } catch {
    // A thread that is being ended answers with anything.
    return { failed: 'the thread is ending' };
  }
}

/**
 * Made here and not in the main thread: this thread has no workers that the report would wait for. Without the environment,
 * the addresses of the machine and this thread's own stack.
 */
function processReport(): Record<string, unknown> {
  const report = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  // Otherwise it asks the name service who the peers of all sockets are.
  report.excludeNetwork = true;
  const { header, resourceUsage, userLimits, sharedObjects } = report.getReport() as unknown as Record<
    string,
    Record<string, unknown>
  >;
  const { networkInterfaces: _addresses, componentVersions: _versions, ...machine } = header;
  return {
    header: machine,
    resource_usage: resourceUsage,
    user_limits: userLimits,
    libraries: sharedObjects,
  };
}

/** Entry point of workers/look.ts. Sends one LookThreadResult; the thread then has nothing left to do and ends. */
export function runLookThread({ timeoutMs }: LookThreadData): void {
  const port = parentPort;
  assert(port !== null, 'this runs in a worker');
  const looking = new Looking(timeoutMs, (threads) => {
    port.postMessage({ threads, report: processReport() } satisfies LookThreadResult);
  });
  looking.start();
}
