/** `lumadb import`: documents out of a file or standard input into a collection, resumable. Its options; the rest: transfer/. */
import { type Command, InvalidArgumentError, Option } from 'commander';
import { BULK_OPERATIONS_MAX } from '../../base/limits.js';
import { ColumnTypes, CSV_TYPES } from '../../transfer/column-types.js';
import { COMPRESSIONS, type Compression, FORMATS, type Format } from '../../transfer/formats.js';
import { addConnectionOptions, type ConnectionOptions } from '../connection.js';
import type { Done } from '../program.js';
import { NONE, nameList, oneCharacter, parseRetryFor, wholeNumber } from '../transfer/option-values.js';

export interface ImportCommandOptions extends ConnectionOptions {
  readonly format?: Format;
  readonly compression?: Compression;
  readonly idField?: string;
  readonly batchSize: number;
  readonly parallel: number;
  readonly mode: 'create' | 'replace';
  readonly rejects?: string;
  readonly rejectsMax: number;
  readonly resume?: boolean;
  readonly state?: string;
  readonly importId?: string;
  readonly types?: ColumnTypes;
  readonly columns?: readonly string[];
  readonly delimiter: string;
  readonly durability?: 'always' | 'group' | 'os';
  readonly retryFor?: number;
  readonly dryRun?: boolean;
}

const REJECTS_MAX = 1000;

function parseTypes(text: string): ColumnTypes {
  try {
    return ColumnTypes.parse(text);
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message);
  }
}

function parseRejectsMax(text: string): number {
  return text === NONE ? Number.MAX_SAFE_INTEGER : wholeNumber(0, Number.MAX_SAFE_INTEGER)(text);
}

function parseImportId(text: string): string {
  if (/^[\w.:-]{1,64}$/.test(text)) return text;
  throw new InvalidArgumentError('It must be 1 to 64 letters, digits, and any of _ . : -');
}

export function registerImport(program: Command, done: Done): void {
  addConnectionOptions(program.command('import'))
    .argument('<collection>', 'where the documents go; made if it is not there')
    .argument('<file>', 'what to read; - is standard input')
    .addOption(new Option('--format <format>', 'default: as the name of the file ends').choices(FORMATS))
    .addOption(
      new Option('--compression <kind>', 'default: as the name of the file ends').choices(COMPRESSIONS),
    )
    .option('--id-field <field>', 'member whose value becomes the _id (a text or a whole number)')
    .addOption(
      new Option(
        '--mode <mode>',
        'what happens to a document that exists: it is replaced, or the record rejected',
      )
        .choices(['create', 'replace'])
        .default('replace'),
    )
    .option(
      '--types <list>',
      `types of CSV columns, column:type of ${CSV_TYPES.join(', ')}; * is all others`,
      parseTypes,
    )
    .option('--columns <list>', 'names of the CSV columns, for a file without a header', nameList)
    .option('--delimiter <character>', 'between CSV fields', oneCharacter, ',')
    .option('--rejects <file>', 'where rejected records go, a line of JSON each')
    .option(
      '--rejects-max <n>',
      'stop when more records than this were rejected; none: never',
      parseRejectsMax,
      REJECTS_MAX,
    )
    .option('--resume', 'go on behind the last acknowledged record of an import that did not end')
    .option(
      '--state <file>',
      'what --resume needs to know (default: FILE.import-state); none: nothing is kept',
    )
    .option(
      '--import-id <id>',
      'makes up the _id of documents without one, with the line (default: random)',
      parseImportId,
    )
    .option('--batch-size <n>', 'documents in a request', wholeNumber(1, BULK_OPERATIONS_MAX), 2000)
    .option('--parallel <n>', 'requests under way', wholeNumber(1, 32), 4)
    .addOption(
      new Option('--durability <level>', 'default: that of the server').choices(['always', 'group', 'os']),
    )
    .option(
      '--retry-for <duration>',
      'how long to try while the server takes nothing (default: 5m)',
      parseRetryFor,
    )
    .option('--dry-run', 'read and check everything, send nothing')
    .description('Import documents from JSON Lines, CSV or Parquet.')
    .addHelpText(
      'after',
      `
Examples:
  $ lumadb import users users.jsonl --rejects rejects.ndjson
  $ lumadb import users users.jsonl --resume           after a crash, an interrupt, a lost server
  $ lumadb import orders orders.csv.gz --id-field order_id --types zip:text,paid:bool
  $ lumadb import orders orders.csv --dry-run          what would be rejected?
  $ zcat dump.gz | lumadb import events - --format jsonl --mode create

Exit code 1 when anything was rejected. Everything else: docs/import-export.md`,
    )
    .action(async (collection: string, file: string, _options, self: Command) => {
      const { importFile } = await import('../transfer/import-run.js');
      done(await importFile(collection, file, self.optsWithGlobals()));
    });
}
