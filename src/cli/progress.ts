/** A bar of elapsed time on stderr while a command waits. Silent when stderr is no terminal. */

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
