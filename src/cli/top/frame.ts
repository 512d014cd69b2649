/** One picture of the dashboard: figures → lines. Pure. */
import { formatDuration } from '../duration.js';
import type { Figures } from './figures.js';
import { clipped, harmless, type Line, piece, wrapped } from './line.js';
import { sectionLines } from './sections.js';
import { reasonLines, shardLines } from './shard-table.js';
import { uptimeText } from './units.js';

export interface Room {
  readonly width: number;
  /** Lines there are; Infinity where nothing is lost by scrolling. */
  readonly height: number;
}

export function frame(url: string, figures: Figures, { width, height }: Room): Line[] {
  const about = [
    url,
    `version ${harmless(figures.version)}`,
    `up ${uptimeText(figures.uptime_seconds)}`,
    `over ${formatDuration(figures.interval_ms)}`,
  ];
  const above: Line[] = [
    [piece('LumaDB Performance Dashboard', 'bold')],
    [piece(about.join(' · '), 'dim')],
    [],
    ...sectionLines(figures, width),
  ];
  const reasons = reasonLines(figures, width);
  // The head of the table and the empty line below it.
  const shardRowsMax = height - above.length - reasons.length - 2;
  return [...above, ...shardLines(figures.shards, shardRowsMax), [], ...reasons]
    .slice(0, Math.max(0, height))
    .map((line) => clipped(line, width));
}

/** The last picture while the server does not answer: why, then what was known before, if anything. */
export function frameWithNotice(notice: string, last: readonly Line[], { width, height }: Room): Line[] {
  const why = wrapped(harmless(notice), width).map((text): Line => [piece(text, 'alarm')]);
  const old = last.map((line) => line.map(({ text }) => piece(text, 'dim')));
  return [...why, [], ...old].slice(0, Math.max(0, height)).map((line) => clipped(line, width));
}
