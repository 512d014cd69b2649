/** `lumadb top` on a terminal, until somebody quits. */
import type { ConnectionOptions } from '../connection.js';
import { formatDuration } from '../duration.js';
import { frame, frameWithNotice } from './frame.js';
import { type Line, type Painter, piece } from './line.js';
import { Screen } from './screen.js';
import { type Look, watch } from './watch.js';

type Seen = Extract<Look, { kind: 'figures' }>;

export async function showLive(
  options: ConnectionOptions,
  intervalMs: number,
  paint: Painter,
): Promise<void> {
  const quit = new AbortController();
  let seen: Seen | undefined;
  let failure: string | undefined;
  const screen = new Screen({
    input: process.stdin,
    output: process.stdout,
    paint,
    onQuit: () => quit.abort(),
    onResize: () => draw(),
  });
  const every = formatDuration(intervalMs);
  const draw = (): void => {
    const { room } = screen;
    const lines: Line[] =
      seen === undefined
        ? [[piece(`lumadb top: the first figures come after ${every}; q quits`, 'dim')]]
        : frame(seen.url, seen.figures, room);
    screen.draw(
      failure === undefined
        ? lines
        : frameWithNotice(`${failure}. Trying again every ${every}.`, lines, room),
    );
  };
  try {
    screen.open();
    draw();
    for await (const look of watch(options, intervalMs, quit.signal)) {
      if (look.kind === 'figures') seen = look;
      failure = look.kind === 'failure' ? look.message : undefined;
      draw();
    }
  } finally {
    screen.close();
  }
}
