/** `lumadb export`: a collection, or a part of it, into a file or to standard output, resumable. Its options; the rest: transfer/. */
import { type Command, Option } from 'commander';
import {
  COMPRESSIONS,
  type Compression,
  FORMATS,
  type Format,
  STANDARD_STREAM,
} from '../../transfer/formats.js';
import { addConnectionOptions, type ConnectionOptions } from '../connection.js';
import type { Done } from '../program.js';
import { nameList, oneCharacter, parseRetryFor, wholeNumber } from '../transfer/option-values.js';

export interface ExportCommandOptions extends ConnectionOptions {
  readonly format?: Format;
  readonly compression?: Compression;
  readonly output: string;
  readonly filter?: string;
  readonly where?: string;
  readonly fields?: readonly string[];
  readonly limit?: number;
  readonly sample: number | 'all';
  readonly delimiter: string;
  readonly rejects?: string;
  readonly resume?: boolean;
  readonly oneSnapshot?: boolean;
  readonly retryFor?: number;
}

const SAMPLE_DEFAULT = 1000;

function parseSample(text: string): number | 'all' {
  return text === 'all' ? 'all' : wholeNumber(1, 1_000_000)(text);
}

export function registerExport(program: Command, done: Done): void {
  addConnectionOptions(program.command('export'))
    .argument('<collection>', 'what to export')
    .addOption(
      new Option('--format <format>', 'default: as the name of the file ends, else jsonl').choices(FORMATS),
    )
    .addOption(
      new Option('--compression <kind>', 'default: as the name of the file ends').choices(COMPRESSIONS),
    )
    .option('--output <file>', 'where to; - is standard output', STANDARD_STREAM)
    .option('--filter <json>', 'only documents that match, as in lists: {"age":{"$gte":18}}')
    .option('--where <condition>', 'only documents for which this SQL condition holds; may use indexes')
    .option('--fields <list>', 'only these fields, and _id; dotted paths', nameList)
    .option('--limit <n>', 'at most so many documents', wholeNumber(1, Number.MAX_SAFE_INTEGER))
    .option(
      '--sample <n>',
      'documents whose members become the columns of CSV and Parquet; all: of every document, in a pass before',
      parseSample,
      SAMPLE_DEFAULT,
    )
    .option('--delimiter <character>', 'between CSV fields', oneCharacter, ',')
    .option(
      '--rejects <file>',
      'where documents go that do not fit the columns (default: they end the export)',
    )
    .option('--resume', 'go on with FILE.part of an export that did not end')
    .option('--one-snapshot', 'fail when the connection is lost, instead of going on at a later snapshot')
    .option(
      '--retry-for <duration>',
      'how long to try while the server gives nothing (default: 5m)',
      parseRetryFor,
    )
    .description('Export a collection to JSON Lines, CSV or Parquet, in the order of _id.')
    .addHelpText(
      'after',
      `
Examples:
  $ lumadb export users --output users.jsonl.gz
  $ lumadb export users --output users.jsonl.gz --resume        after a crash or an interrupt
  $ lumadb export orders --output orders.csv --fields _id,total,address.city
  $ lumadb export orders --output orders.parquet --where "total > 100" --sample all
  $ lumadb export users --limit 10 | jq .name

Exit code 1 when a document was rejected. Everything else: docs/import-export.md`,
    )
    .action(async (collection: string, _options, self: Command) => {
      const { exportCollection } = await import('../transfer/export-run.js');
      done(await exportCollection(collection, self.optsWithGlobals()));
    });
}
