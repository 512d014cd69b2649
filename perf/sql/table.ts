/** Prints a record of the SQL comparison for people. */
import pc from 'picocolors';
import { median } from '../figures.js';
import { newTable, ratiosTable } from '../table.js';
import { COMPARISON_NAMES, COMPARISONS, type ComparisonName } from './comparisons.js';
import { type InterferenceFigures, isPoint, type SqlFigures } from './figures.js';
import { PEER_NAMES, type PeerName } from './peer.js';
import type { SqlRecord } from './record.js';

const US_PER_S = 1e6;

const count = (value: number): string => Math.round(value).toLocaleString('en-US');
const ms = (value: number): string => value.toFixed(value < 10 ? 3 : 1);

const PEER_TITLES: Readonly<Record<PeerName, string>> = { lumadb: 'LumaDB', postgres: 'PostgreSQL' };

function figuresOf({ rounds }: SqlRecord, name: ComparisonName, peer: PeerName): SqlFigures[] {
  return rounds.flatMap((round) => round[name]?.[peer] ?? []);
}

function pointTable(record: SqlRecord): string {
  const head = [
    '',
    '',
    'ops/s',
    'p50 ms',
    'p99 ms',
    'p99.9 ms',
    'server µs/op',
    'server cores',
    'client cores',
  ];
  const table = newTable(head, head.length);
  for (const name of COMPARISON_NAMES) {
    for (const peer of PEER_NAMES) {
      const all = figuresOf(record, name, peer).filter(isPoint);
      if (all.length === 0) continue;
      const of = (field: (figures: (typeof all)[number]) => number): number => median(all.map(field));
      table.push([
        peer === record.configuration.peers[0] ? COMPARISONS[name].title : '',
        PEER_TITLES[peer],
        count(of((figures) => figures.opsPerSecond)),
        ms(of((figures) => figures.p50Ms)),
        ms(of((figures) => figures.p99Ms)),
        ms(of((figures) => figures.p999Ms)),
        count(of((figures) => (figures.serverCores / figures.opsPerSecond) * US_PER_S)),
        of((figures) => figures.serverCores).toFixed(2),
        of((figures) => figures.clientCores).toFixed(2),
      ]);
    }
  }
  return table.toString();
}

function analyticTable(record: SqlRecord): string {
  const head = ['', '', 'median ms', 'fastest ms', 'server CPU ms'];
  const table = newTable(head, head.length);
  for (const name of COMPARISON_NAMES) {
    for (const peer of PEER_NAMES) {
      const all = figuresOf(record, name, peer).flatMap((figures) => (isPoint(figures) ? [] : figures));
      if (all.length === 0) continue;
      table.push([
        peer === record.configuration.peers[0] ? COMPARISONS[name].title : '',
        PEER_TITLES[peer],
        ms(median(all.map(({ medianMs }) => medianMs))),
        ms(Math.min(...all.map(({ minMs }) => minMs))),
        ms(median(all.map(({ cpuMs }) => cpuMs))),
      ]);
    }
  }
  return table.toString();
}

function interferenceLines(figures: InterferenceFigures): string[] {
  const { query, queryCores, queryAlone, putsAlone, putsBeside, queryBesidePuts } = figures;
  const { streamAlone, streamBeside, queryBesideStream } = figures;
  return [
    pc.bold(`Durable PUTs beside "${COMPARISONS[query].title}", one after the other`),
    `  the query alone: ${ms(queryAlone.medianMs)} ms, ${queryCores.toFixed(2)} cores`,
    `  as fast as they go: ${count(putsAlone.opsPerSecond)}/s alone (p99 ${ms(putsAlone.p99Ms)} ms), ` +
      `${count(putsBeside.opsPerSecond)}/s beside it (p99 ${ms(putsBeside.p99Ms)} ms); the query then takes ${ms(queryBesidePuts.medianMs)} ms`,
    `  at a fixed rate: p99 ${ms(streamAlone.p99Ms)} ms alone, ${ms(streamBeside.p99Ms)} ms beside it ` +
      `(p99.9 ${ms(streamBeside.p999Ms)}, max ${ms(streamBeside.maxMs)}; sent late by the generator, p99: ${ms(streamBeside.sendDelayP99Ms)} ms); ` +
      `the query then takes ${ms(queryBesideStream.medianMs)} ms`,
  ];
}

export function renderSql(record: SqlRecord): string {
  const { machine, configuration, loadSeconds, interference } = record;
  const { documents, rounds, clients, seconds, repeats, cacheMib, queryThreads, only } = configuration;
  const loads = PEER_NAMES.flatMap((peer) => {
    const took = loadSeconds[peer];
    return took === undefined ? [] : `${PEER_TITLES[peer]} ${took.toFixed(1)} s`;
  });
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.fileSystem}, Node ${machine.node}`,
    `${count(documents)} documents, ${rounds} rounds; point queries: ${clients} clients for ${seconds} s; others: ${repeats} times a round`,
    `shared_buffers ${cacheMib} MiB, LumaDB's caches ${cacheMib} MiB together, query threads ${queryThreads || 'cores less one'}; all else at defaults`,
    `Loaded, indexed and compacted or vacuumed: ${loads.join(', ')}; ${record.comparedAnswers} answers were equal`,
  ];
  if (only.some((name) => COMPARISONS[name].kind === 'point')) lines.push('', pointTable(record));
  if (only.some((name) => COMPARISONS[name].kind === 'analytic')) lines.push('', analyticTable(record));
  if (interference !== undefined) lines.push('', ...interferenceLines(interference));
  if (record.ratios.length > 0) lines.push('', ratiosTable(record.ratios));
  for (const warning of record.warnings) lines.push(pc.yellow(`Note: ${warning}.`));
  return lines.join('\n');
}
