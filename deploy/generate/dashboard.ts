/** The Grafana dashboard of LumaDB: the same groups as the manual's. write.ts makes deploy/grafana/dashboards/lumadb.json of it. */
import {
  type Dashboard,
  DashboardBuilder,
  DashboardCursorSync,
  DatasourceVariableBuilder,
  QueryVariableBuilder,
  RowBuilder,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { DataqueryBuilder } from '@grafana/grafana-foundation-sdk/prometheus';
import { PanelBuilder as StatPanelBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TimeseriesPanelBuilder } from '@grafana/grafana-foundation-sdk/timeseries';

export interface Query {
  readonly expression: string;
  /** With labels as `{{label}}`. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** Grafana's unit ids. */
  readonly unit: 'reqps' | 's' | 'bytes' | 'Bps' | 'percentunit' | 'short' | 'ops';
  /** The newest value in large figures instead of a graph. */
  readonly isFigure?: true;
  readonly queries: readonly Query[];
}

const here = 'instance=~"$instance"';
const rate = (metric: string, labels = ''): string => `rate(${metric}{${here}${labels}}[$__rate_interval])`;
const quantile = (share: number): string =>
  `histogram_quantile(${share}, sum(${rate('lumadb_query_duration_bucket')}) by (le))`;

export const ROWS: Readonly<Record<string, readonly Panel[]>> = {
  Throughput: [
    {
      title: 'Requests by method',
      unit: 'reqps',
      queries: [{ expression: `sum(${rate('lumadb_requests_total')}) by (method)`, legend: '{{method}}' }],
    },
    {
      title: 'Errors',
      unit: 'percentunit',
      queries: [
        {
          expression: `sum(${rate('lumadb_requests_total', ',status="error"')}) / sum(${rate('lumadb_requests_total')})`,
          legend: 'share of errors',
        },
      ],
    },
    {
      title: 'Operations by shard',
      unit: 'ops',
      queries: [{ expression: rate('lumadb_shard_operations_total'), legend: 'shard {{shard}}' }],
    },
  ],
  Latency: [
    {
      title: 'Request latency',
      unit: 's',
      queries: [0.5, 0.95, 0.99].map((share) => ({ expression: quantile(share), legend: `p${share * 100}` })),
    },
    {
      title: 'fdatasync p99',
      unit: 's',
      queries: [
        {
          expression: `histogram_quantile(0.99, sum(${rate('lumadb_fsync_latency_seconds_bucket')}) by (le, shard))`,
          legend: 'shard {{shard}}',
        },
      ],
    },
    {
      title: 'Event loop delay of fronts',
      unit: 's',
      queries: [{ expression: `lumadb_front_event_loop_delay_seconds{${here}}`, legend: 'front {{front}}' }],
    },
    {
      title: 'Threads that stand still',
      unit: 'percentunit',
      queries: [{ expression: rate('lumadb_thread_stall_seconds_total'), legend: '{{thread}}' }],
    },
  ],
  Resources: [
    {
      title: 'CPU',
      unit: 'short',
      queries: [{ expression: rate('process_cpu_seconds_total'), legend: 'cores' }],
    },
    {
      title: 'Memory',
      unit: 'bytes',
      queries: [
        { expression: `lumadb_memory_bytes{${here}}`, legend: 'used' },
        { expression: `lumadb_memory_limit_bytes{${here}}`, legend: 'limit' },
      ],
    },
    {
      title: 'Connections',
      unit: 'short',
      queries: [
        { expression: `sum(lumadb_connections{${here}})`, legend: 'connections' },
        { expression: `sum(lumadb_websockets{${here}})`, legend: 'WebSockets' },
      ],
    },
  ],
  Cache: [
    {
      title: 'Point reads from memory',
      unit: 'percentunit',
      isFigure: true,
      queries: [
        {
          expression: `sum(${rate('lumadb_cache_hits')}) / sum(${rate('lumadb_cache_requests')})`,
          legend: 'hit rate',
        },
      ],
    },
    {
      title: 'Block cache hit rate',
      unit: 'percentunit',
      queries: [
        {
          expression: `${rate('lumadb_block_cache_hits_total')} / ${rate('lumadb_block_cache_requests_total')}`,
          legend: 'block cache',
        },
        {
          expression: `sum(${rate('lumadb_row_cache_hits_total')}) / sum(${rate('lumadb_row_cache_requests_total')})`,
          legend: 'row cache',
        },
      ],
    },
    {
      title: 'Evictions',
      unit: 'ops',
      queries: [
        { expression: rate('lumadb_block_cache_evictions_total'), legend: 'block cache' },
        { expression: `sum(${rate('lumadb_row_cache_evictions_total')})`, legend: 'row cache' },
      ],
    },
  ],
  Storage: [
    {
      title: 'Disk used',
      unit: 'percentunit',
      isFigure: true,
      queries: [{ expression: `lumadb_disk_used_ratio{${here}}`, legend: 'used' }],
    },
    {
      title: 'Bytes by level',
      unit: 'bytes',
      queries: [{ expression: `sum(lumadb_level_bytes{${here}}) by (level)`, legend: 'level {{level}}' }],
    },
    {
      title: 'Compaction',
      unit: 'Bps',
      queries: [
        {
          expression: `sum(${rate('lumadb_compaction_bytes_total')}) by (direction)`,
          legend: '{{direction}}',
        },
        { expression: `sum(${rate('lumadb_memtable_flush_bytes_total')})`, legend: 'flushes' },
        { expression: `sum(${rate('lumadb_wal_bytes_total')})`, legend: 'log' },
      ],
    },
    {
      title: 'Stalls of writes',
      unit: 's',
      queries: [
        {
          expression: `sum(${rate('lumadb_write_stall_seconds_total')}) by (cause)`,
          legend: '{{cause}} (seconds a second)',
        },
      ],
    },
    {
      title: 'Level 0 runs and memtables',
      unit: 'short',
      queries: [
        { expression: `lumadb_l0_files{${here}}`, legend: 'level 0, shard {{shard}}' },
        { expression: `lumadb_memtables{${here}}`, legend: 'memtables, shard {{shard}}' },
      ],
    },
    {
      title: 'Compaction that is due',
      unit: 'bytes',
      queries: [{ expression: `lumadb_pending_compaction_bytes{${here}}`, legend: 'shard {{shard}}' }],
    },
  ],
};

const PANEL_HEIGHT = 8;
/** Of Grafana's 24 columns. */
const PANEL_WIDTH = 8;

export function lumadbDashboard(): Dashboard {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: Grafana fills it in.
  const datasource = { type: 'prometheus', uid: '${datasource}' };
  const dashboard = new DashboardBuilder('LumaDB')
    .uid('lumadb')
    .tags(['lumadb'])
    .refresh('10s')
    .time({ from: 'now-1h', to: 'now' })
    .tooltip(DashboardCursorSync.Crosshair)
    .withVariable(new DatasourceVariableBuilder('datasource').label('Data source').type('prometheus'))
    .withVariable(
      new QueryVariableBuilder('instance')
        .label('Instance')
        .datasource(datasource)
        .query('label_values(lumadb_uptime_seconds, instance)')
        .includeAll(true)
        .multi(true),
    );
  for (const [title, panels] of Object.entries(ROWS)) {
    dashboard.withRow(new RowBuilder(title));
    for (const panel of panels) dashboard.withPanel(panelBuilder(panel, datasource));
  }
  return dashboard.build();
}

function panelBuilder({ title, unit, isFigure, queries }: Panel, datasource: { type: string; uid: string }) {
  const builder = isFigure ? new StatPanelBuilder() : new TimeseriesPanelBuilder().fillOpacity(10);
  builder.title(title).unit(unit).datasource(datasource).height(PANEL_HEIGHT).span(PANEL_WIDTH);
  for (const { expression, legend } of queries)
    builder.withTarget(new DataqueryBuilder().expr(expression).legendFormat(legend));
  return builder;
}
