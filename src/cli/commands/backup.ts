/** `lumadb backup` and its subcommands: what they are called and what they take. */
import { type Command, Option } from 'commander';
import { addKeyOption, addRateOption, parseNames, parseParallel } from '../backup/options.js';
import { addConnectionOptions } from '../connection.js';
import { addOfflineOptions } from '../offline.js';
import type { Done } from '../program.js';
import { create } from './backup-create.js';
import { list } from './backup-list.js';
import { prune } from './backup-prune.js';
import { verify } from './backup-verify.js';

export function registerBackup(program: Command, done: Done): void {
  const backup = addConnectionOptions(program.command('backup'))
    .option('--destination <location>', 'where it goes: a new folder, as a path or s3://bucket/prefix')
    .addOption(
      new Option('--type <type>', 'incremental: only what the newest backup beside it lacks')
        .choices(['full', 'incremental'])
        .default('full'),
    )
    .option('--parent <name>', 'build upon this backup beside the destination, or fail')
    .addOption(
      new Option('--compression <codec>', 'default: backup.compression').choices(['zstd', 'lz4', 'none']),
    )
    .option('--parallel <n>', 'threads that hash, compress and encrypt (default: 1)', parseParallel)
    .option('--collections <names>', 'only these, with commas between', parseNames)
    .option('--no-nice', 'with the priority of other programs')
    .addOption(noNote());
  addRateOption(addKeyOption(backup))
    .description('Make a backup of the database, and look after the backups that there are.')
    .addHelpText(
      'after',
      `
A running server goes on meanwhile: the backup is the database at one moment. Without a server the files are
read as they are. An interrupted backup is none; the same command again goes on with it. An incremental backup
needs those that it builds upon: they lie beside it and must be kept (lumadb backup prune does).

Examples:
  $ lumadb backup --destination /backups/lumadb/20260102 --type full --parallel 4
  $ lumadb backup --destination s3://backups/lumadb/20260103 --type incremental
  $ lumadb backup verify --source /backups/lumadb/20260102
  $ lumadb backup list --source /backups/lumadb`,
    )
    .action(async (_options, command: Command) => done(await create(command.optsWithGlobals())));
  registerList(backup, done);
  registerVerify(backup, done);
  registerPrune(backup, done);
}

/** For the server's own schedule, which keeps its history itself. */
const noNote = (): Option => new Option('--no-note', 'do not tell the server of it').hideHelp();

function registerList(backup: Command, done: Done): void {
  addKeyOption(addOfflineOptions(backup.command('list')))
    .option('--source <location>', 'folder of backups (default: backup.schedule.destination)')
    .description(
      'List the backups of a folder: what they are, what they build upon, and whether all is there.',
    )
    .action(async (_options, command: Command) => done(await list(command.optsWithGlobals())));
}

function registerVerify(backup: Command, done: Done): void {
  addRateOption(addKeyOption(addOfflineOptions(backup.command('verify'))))
    .option('--source <location>', 'the backup')
    .option('--quick', 'look only at what they say and which objects are there')
    .option('--restore-test', 'restore it into scratch space and check that, instead of reading objects')
    .option(
      '--scratch <dir>',
      'where --restore-test restores to (default: the directory for temporary files)',
    )
    .addOption(noNote())
    .option('--parallel <n>', 'objects that are read at a time (default: 4)', parseParallel)
    .description('Check every byte of a backup and of those that it builds upon, without restoring it.')
    .addHelpText(
      'after',
      `
Exit 0 when nothing was found, 1 when something was.

Example:
  $ lumadb backup verify --source /backups/lumadb/20260102`,
    )
    .action(async (_options, command: Command) => done(await verify(command.optsWithGlobals())));
}

function registerPrune(backup: Command, done: Done): void {
  addKeyOption(addOfflineOptions(backup.command('prune')))
    .option('--source <location>', 'folder of backups (default: backup.schedule.destination)')
    .option('--keep <ages>', 'for how long (default: full=4w,incremental=2w,wal=7d)')
    .option(
      '--wal-stream <location>',
      'where the log is streamed to (default: backup.wal_stream.destination)',
    )
    .option('--dry-run', 'remove nothing, and say what would be')
    .description('Remove backups, and pieces of the streamed log, that are older than they need to be kept.')
    .addHelpText(
      'after',
      `
What a kept backup builds upon is kept, and the newest complete one of each database, whatever their age.

Example:
  $ lumadb backup prune --source /backups/lumadb --keep full=4w,incremental=2w,wal=7d --dry-run`,
    )
    .action(async (_options, command: Command) => done(await prune(command.optsWithGlobals())));
}
