/** Prints a YCSB record for people. */
import pc from 'picocolors';
import { newTable } from '../table.js';
import type { LatencyFigures } from './latency-book.js';
import { configOf } from './options.js';
import type { PauseResult, WorkloadResult, YcsbRecord } from './record.js';
import { FIELD_BYTES, FIELDS } from './records.js';
import type { ServerMetrics } from './server-metrics.js';
import { OPERATION_TITLES, OPERATIONS, workloadOf } from './workloads.js';

const MIB = 2 ** 20;
const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const mib = (bytes: number): string => `${count(bytes / MIB)} MiB`;
const ms = (value: number): string => value.toFixed(value < 10 ? 3 : 1);

function latencyCells({ p50Ms, p99Ms, p999Ms, maxMs }: Omit<LatencyFigures, 'count'>): string[] {
  return [ms(p50Ms), ms(p99Ms), ms(p999Ms), ms(maxMs)];
}

function workloadRows(result: WorkloadResult): string[][] {
  const { workload, transport, latency, opsPerSecond, serverCores, clientCores, refused } = result;
  const name = `${workload} ${workloadOf(workload).title}, ${transport}`;
  return OPERATIONS.flatMap((operation) => {
    const figures = latency[operation];
    return figures === undefined ? [] : [[OPERATION_TITLES[operation], ...latencyCells(figures)]];
  }).map((cells, i) =>
    i === 0
      ? [name, count(opsPerSecond), ...cells, serverCores.toFixed(2), clientCores.toFixed(2), count(refused)]
      : ['', '', ...cells, '', '', ''],
  );
}

function workloadsTable(results: readonly WorkloadResult[]): string {
  const head = [
    '',
    'ops/s',
    '',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'max ms',
    'server cores',
    'client cores',
    '503s',
  ];
  const table = newTable(head, head.length);
  for (const result of results) table.push(...workloadRows(result));
  return table.toString();
}

function pauseLines({ stream, background }: PauseResult): string[] {
  const { opsPerSecond, p50Ms, p99Ms, p999Ms, maxMs, longestGapMs, sendDelayP99Ms, refused } = stream;
  return [
    pc.bold('Write-pause probe: paced durable PUTs while others update as fast as they can'),
    `  stream       ${count(opsPerSecond)}/s; latency from when it was due: p50 ${ms(p50Ms)}, p99 ${ms(p99Ms)}, ` +
      `p99.9 ${ms(p999Ms)}, max ${ms(maxMs)} ms`,
    `  longest pause between two acknowledged PUTs ${ms(longestGapMs)} ms; 503s ${count(refused)}; ` +
      `sent late by the generator, p99: ${ms(sendDelayP99Ms)} ms`,
    `  background   ${count(background.opsPerSecond)} updates/s; server ${background.serverCores.toFixed(2)} cores`,
  ];
}

function metricsLines(title: string, metrics: ServerMetrics): string[] {
  const entries = Object.entries(metrics).filter(([, value]) => value !== 0);
  return [
    pc.bold(title),
    ...entries.map(
      ([name, value]) => `  ${name} ${Number.isInteger(value) ? count(value) : value.toPrecision(4)}`,
    ),
  ];
}

export function renderYcsb(record: YcsbRecord): string {
  const { machine, configuration, load } = record;
  const { records, seconds, connections, wsConnections, window, frameOperations, seed } = configuration;
  const inFlight = wsConnections * window * frameOperations;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.fileSystem}, Node ${machine.node}`,
    `${count(records)} records of ${FIELDS} fields of ${FIELD_BYTES} bytes: ${mib(record.dataBytes)} of data, ` +
      `${mib(record.memoryBytes)} of memtables and caches; ${seconds} s a workload, seed ${seed}`,
    `HTTP: ${connections} connections, one operation under way on each; WebSocket: ${wsConnections} connections, ` +
      `${inFlight} operations under way in groups of ${frameOperations}, whose latency they share`,
    'Updates replace the whole record (PUT) and are acknowledged after fdatasync.',
    '',
    ...configOf(configuration.memory)
      .trim()
      .split('\n')
      .map((line) => `  ${line}`),
    '',
    `Load over WebSocket: ${count(load.recordsPerSecond)} records/s, 503s ${count(load.refused)}`,
    '',
    workloadsTable(record.results),
  ];
  if (record.pause !== undefined) lines.push('', ...pauseLines(record.pause));
  lines.push(
    '',
    ...metricsLines('/metrics, load and workloads: growth of counters, else the value after', record.metrics),
  );
  if (record.pause !== undefined)
    lines.push('', ...metricsLines('/metrics, write-pause probe', record.pause.metrics));
  for (const warning of record.warnings) lines.push(pc.yellow(`Note: ${warning}.`));
  return lines.join('\n');
}
