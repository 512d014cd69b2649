/** Bars on stderr: of elapsed time while a command waits, of bytes or documents while it works. Silent when stderr is no terminal. */

export interface WaitBar {
  update(elapsedMs: number, what: string): void;
  stop(): void;
}

const silent: WaitBar = { update: () => undefined, stop: () => undefined };

export async function startWaitBar(totalMs: number): Promise<WaitBar> {
  if (!process.stderr.isTTY) return silent;
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: '{what} [{bar}] {value}s of at most {total}s',
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 30,
  });
  bar.start(Math.ceil(totalMs / 1000), 0, { what: 'stopping' });
  return {
    update: (elapsedMs, what) => bar.update(Math.floor(elapsedMs / 1000), { what }),
    stop: () => bar.stop(),
  };
}

export interface ByteBar {
  /** May be called from work that leaves the event loop no turn. */
  update(bytesDone: number, bytesTotal: number): void;
  stop(): void;
}

const silentBytes: ByteBar = { update: () => undefined, stop: () => undefined };
const MIB = 1024 * 1024;

export async function startByteBar(what: string): Promise<ByteBar> {
  if (!process.stderr.isTTY) return silentBytes;
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: `${what} [{bar}] {percentage}% of {megabytes} MiB`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 30,
    forceRedraw: true,
  });
  bar.start(1, 0, { megabytes: '?' });
  return {
    update: (done, total) => {
      bar.setTotal(Math.max(1, total));
      bar.update(done, { megabytes: Math.ceil(total / MIB) });
      // Without a turn of the event loop the bar's own timer never fires.
      bar.render();
    },
    stop: () => bar.stop(),
  };
}

export interface CountBar {
  update(done: number, detail: string): void;
  stop(): void;
}

const silentCount: CountBar = { update: () => undefined, stop: () => undefined };

/** A bar of things whose total is known about, or not at all: then it only counts. */
export async function startCountBar(what: string, total: number | undefined): Promise<CountBar> {
  if (!process.stderr.isTTY) return silentCount;
  const { default: progress } = await import('cli-progress');
  const bar = new progress.SingleBar({
    format: total === undefined ? `${what} {count}{detail}` : `${what} [{bar}] {percentage}% {count}{detail}`,
    stream: process.stderr,
    clearOnComplete: true,
    hideCursor: true,
    barsize: 30,
  });
  bar.start(Math.max(1, total ?? 1), 0, { count: 0, detail: '' });
  return {
    update: (done, detail) => {
      if (total !== undefined) bar.setTotal(Math.max(1, total, done));
      bar.update(done, { count: done, detail });
    },
    stop: () => bar.stop(),
  };
}
