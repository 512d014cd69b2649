/** `lumadb wal archive`: moves old log segments elsewhere; without a server by itself, else by asking the server. */
import { resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { DbError } from '../../base/errors.js';
import type { Config } from '../../config/schema.js';
import type { Maintained } from '../../runtime/maintenance.js';
import type { ArchivedSegment, SegmentReport } from '../../tools/wal-archive.js';
import { resolveTarget } from '../connection.js';
import { parseAge } from '../duration.js';
import { addOfflineOptions, bytesText, configOf, type OfflineOptions, withBar } from '../offline.js';
import { EXIT_OK, print, printJson } from '../output.js';
import type { Done } from '../program.js';
import { startTask, waitForTask } from '../task.js';

interface ArchiveCliOptions extends OfflineOptions {
  readonly olderThan: number;
  readonly destination: string;
}

function parseOlderThan(text: string): number {
  const ms = parseAge(text);
  if (ms === null) throw new InvalidArgumentError('It must be an age such as 7d, 12h or 30m.');
  return ms;
}

async function archive(options: ArchiveCliOptions): Promise<number> {
  const config = await configOf(options);
  const destination = resolve(options.destination);
  const { requireOutside } = await import('../../runtime/outside-directory.js');
  requireOutside(destination, resolve(config.storage.data_dir));
  const { openOffline } = await import('../../runtime/maintenance.js');
  let maintained: Maintained;
  try {
    maintained = await openOffline(config);
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'DATA_DIRECTORY_LOCKED') throw error;
    return await askServer(options, config, destination);
  }
  try {
    const { segmentReport } = await import('../../tools/wal-archive.js');
    const archived = await archiveOffline(maintained, options.olderThan, destination);
    report(archived.map(segmentReport), options.json === true);
    return EXIT_OK;
  } finally {
    maintained.close();
  }
}

async function archiveOffline(
  { vfs, dataDirectory, shards, clock }: Maintained,
  olderThanMs: number,
  destination: string,
): Promise<ArchivedSegment[]> {
  const { archiveShards } = await import('../../tools/wal-archive-all.js');
  return withBar('archiving', (onProgress) =>
    archiveShards({
      vfs,
      dataDirectory,
      shards,
      destination,
      olderThanMs,
      nowMs: clock.wallMs(),
      onProgress,
    }),
  );
}

async function askServer(
  { olderThan, json, dataDir }: ArchiveCliOptions,
  config: Config,
  destination: string,
): Promise<number> {
  const target = await resolveTarget({ dataDir: dataDir ?? config.storage.data_dir });
  const task = await startTask(target, '/admin/wal/archive', { older_than_ms: olderThan, destination });
  const { result } = await waitForTask(target, task, 'archiving');
  report((result as { segments: SegmentReport[] }).segments, json === true);
  return EXIT_OK;
}

function report(segments: readonly SegmentReport[], isJson: boolean): void {
  if (isJson) {
    printJson({ segments });
    return;
  }
  for (const { shard, segment, archive: file } of segments)
    print(`shard ${shard}: segment ${segment} is in ${file}`);
  const bytes = segments.reduce((sum, segment) => sum + segment.bytes, 0);
  print(
    segments.length === 0
      ? 'nothing to archive'
      : `${segments.length} ${segments.length === 1 ? 'segment' : 'segments'}, ${bytesText(bytes)}`,
  );
}

export function registerWal(program: Command, done: Done): void {
  const wal = program.command('wal').description('Work on the write-ahead log.');
  addOfflineOptions(wal.command('archive'))
    .requiredOption(
      '--older-than <age>',
      'segments that were finished longer ago than this, such as 7d',
      parseOlderThan,
    )
    .requiredOption('--destination <dir>', 'directory to copy them to')
    .description(
      'Copy old log segments whose contents are in tables to a directory, and remove them from the log.',
    )
    .addHelpText(
      'after',
      `
What recovery needs is never touched. Segments are recycled as soon as their contents are in tables, unless
wal.keep_released keeps them for this command. When a server runs, it does the work: the destination is a
directory of its machine.

Example:
  $ lumadb wal archive --older-than 7d --destination /archive`,
    )
    .action(async (_options, command: Command) => done(await archive(command.optsWithGlobals())));
}
