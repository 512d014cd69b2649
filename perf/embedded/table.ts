/** Prints an embedded comparison for people: a row a figure, a column an engine. */
import pc from 'picocolors';
import { newTable } from '../table.js';
import { REFERENCE_ENGINE } from './engines.js';
import { COMPARISONS } from './figures.js';
import { type EmbeddedRecord, medianOf, ratioOf } from './record.js';

const count = (value: number): string => Math.round(value).toLocaleString('en-US');

function figuresTable({ rounds, configuration }: EmbeddedRecord): string {
  const { engines } = configuration;
  const compared = engines.includes(REFERENCE_ENGINE)
    ? engines.filter((engine) => engine !== REFERENCE_ENGINE)
    : [];
  const head = ['', ...engines, ...compared.map((engine) => `${engine} / ${REFERENCE_ENGINE}`)];
  const table = newTable(head, head.length);
  for (const { title, of, digits, isRate } of COMPARISONS) {
    const cells = engines.map((engine) => {
      const value = medianOf(rounds, engine, of);
      if (value === undefined) return '–';
      return digits === 0 ? count(value) : value.toFixed(digits);
    });
    const ratios = compared.map((engine) => {
      const ratio = ratioOf(rounds, engine, of);
      if (ratio === undefined) return '–';
      return (ratio >= 1 === isRate ? pc.green : pc.red)(`${ratio.toFixed(2)} ×`);
    });
    table.push([title, ...cells, ...ratios]);
  }
  return table.toString();
}

export function renderEmbedded(record: EmbeddedRecord): string {
  const { machine, configuration, rounds } = record;
  const { documents, updates, valueBytes, batchEntries, seed } = configuration;
  const lines = [
    `${machine.cpu}, ${machine.cores} cores, ${machine.memoryGiB} GiB, ${machine.fileSystem}, Node ${machine.node}`,
    `${rounds.length} rounds, ${count(documents)} documents of ${valueBytes} bytes under 16-byte keys, ` +
      `${count(updates)} overwrites, batches of ${batchEntries}, seed ${seed}`,
    'Random load is a permutation: every key once. Overwrites draw keys uniformly, with replacement.',
    ...(rounds[0] ?? []).map(({ engine, description }) => `${engine}: ${description}`),
    '',
    figuresTable(record),
  ];
  for (const warning of record.warnings) lines.push(pc.yellow(`Note: ${warning}.`));
  return lines.join('\n');
}
