/** The six sections of the manual's dashboard, beside each other as far as the width allows. Pure. */
import type { Figures } from './figures.js';
import { harmless, type Line, padded, piece, type Style, widthOf } from './line.js';
import { countText, latencyText, percentText, sizeText } from './units.js';

interface Row {
  readonly label: string;
  readonly value: string;
  readonly style?: Style;
}

interface Section {
  readonly title: string;
  readonly rows: readonly Row[];
}

/** Share of the memory limit from which it is worth a colour; the server calls itself degraded at 0.95. */
const MEMORY_WARNING_SHARE = 0.9;
const GAP = 3;
const COLUMNS_MAX = 3;

function sectionsOf(figures: Figures): Section[] {
  const { throughput, latency, resources, cache, storage, cluster } = figures;
  const { memory_bytes: memory, memory_limit_bytes: limit } = resources;
  const { disk_read_bytes_per_second: read, disk_written_bytes_per_second: written } = resources;
  const isTight = memory !== null && limit !== null && memory >= limit * MEMORY_WARNING_SHARE;
  const areAllThere = cluster.nodes_healthy === cluster.nodes;
  return [
    {
      title: 'THROUGHPUT',
      rows: [
        { label: 'Queries/sec', value: countText(throughput.queries_per_second) },
        { label: 'Inserts/sec', value: countText(throughput.inserts_per_second) },
        { label: 'Reads/sec', value: countText(throughput.reads_per_second) },
      ],
    },
    {
      title: 'LATENCY',
      rows: [
        { label: 'p50', value: latencyText(latency.p50_ms) },
        { label: 'p95', value: latencyText(latency.p95_ms) },
        { label: 'p99', value: latencyText(latency.p99_ms) },
      ],
    },
    {
      title: 'RESOURCES',
      rows: [
        { label: 'CPU', value: percentText(resources.cpu_percent) },
        {
          label: 'Memory',
          value: `${sizeText(memory)} / ${sizeText(limit)}`,
          style: isTight ? 'warning' : 'plain',
        },
        { label: 'Disk I/O', value: perSecond(read === null || written === null ? null : read + written) },
      ],
    },
    {
      title: 'CACHE',
      rows: [
        {
          label: 'Hit Rate',
          value: percentText(cache.hit_rate === null ? null : cache.hit_rate * 100),
        },
        { label: 'Size', value: sizeText(cache.size_bytes) },
        {
          label: 'Evictions',
          value: cache.evictions_per_minute === null ? '-' : `${countText(cache.evictions_per_minute)}/min`,
        },
      ],
    },
    {
      title: 'STORAGE',
      rows: [
        { label: 'Total', value: sizeText(storage.total_bytes) },
        { label: 'Hot', value: sizeText(storage.hot_bytes) },
        { label: 'Warm', value: sizeText(storage.warm_bytes) },
      ],
    },
    {
      title: 'CLUSTER',
      rows: [
        {
          label: 'Nodes',
          value: `${cluster.nodes_healthy}/${cluster.nodes}`,
          style: areAllThere ? 'plain' : 'alarm',
        },
        { label: 'Leader', value: harmless(cluster.leader) },
        { label: 'Repl Lag', value: latencyText(cluster.replication_lag_ms) },
      ],
    },
  ];
}

const perSecond = (bytes: number | null): string => (bytes === null ? '-' : `${sizeText(bytes)}/s`);

function block({ title, rows }: Section): Line[] {
  return [
    [piece(title, 'bold')],
    [piece('─'.repeat(title.length), 'dim')],
    ...rows.map(({ label, value, style }) => [piece(`${label}: `), piece(value, style)]),
  ];
}

/** Rows of one to three sections, an empty line after each. */
export function sectionLines(figures: Figures, width: number): Line[] {
  const blocks = sectionsOf(figures).map(block);
  let columns = COLUMNS_MAX;
  while (columns > 1 && widthOfGrid(blocks, columns) > width) columns--;
  const widths = columnWidths(blocks, columns);
  const lines: Line[] = [];
  for (let first = 0; first < blocks.length; first += columns) {
    const beside = blocks.slice(first, first + columns);
    for (let row = 0; row < beside[0].length; row++)
      lines.push(beside.flatMap((one, column) => padded(one[row], widths[column] + GAP)));
    lines.push([]);
  }
  return lines;
}

/** Numbers change their length all the time; a section must not jump for each, hence a width that most fit into. */
const SECTION_WIDTH_MIN = 21;

const columnWidths = (blocks: ReadonlyArray<readonly Line[]>, columns: number): number[] =>
  Array.from({ length: columns }, (_, column) =>
    Math.max(
      SECTION_WIDTH_MIN,
      ...blocks.filter((_block, index) => index % columns === column).flatMap((lines) => lines.map(widthOf)),
    ),
  );

const widthOfGrid = (blocks: ReadonlyArray<readonly Line[]>, columns: number): number =>
  columnWidths(blocks, columns).reduce((sum, width) => sum + width, 0) + GAP * (columns - 1);
