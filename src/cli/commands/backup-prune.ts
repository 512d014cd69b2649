/** `lumadb backup prune`: removes backups and pieces of the streamed log that need not be kept any longer. */
import type { RemovedBackup } from '../../backup/prune/prune-backups.js';
import type { PrunedStream } from '../../backup/prune/prune-stream.js';
import type { Verdict } from '../../backup/prune/retention.js';
import { systemClock } from '../../base/clock.js';
import type { Config } from '../../config/schema.js';
import { listenForInterruption } from '../backup/interruption.js';
import { type BackupStoreOptions, folderOf, keyOf } from '../backup/options.js';
import { bytesText, configOf, type OfflineOptions } from '../offline.js';
import { EXIT_OK, print, printJson } from '../output.js';
import { clean } from '../render.js';

export interface PruneCliOptions extends OfflineOptions, BackupStoreOptions {
  readonly source?: string;
  readonly walStream?: string;
  readonly keep?: string;
  readonly dryRun?: boolean;
}

interface Pruned {
  readonly kept: readonly Verdict[];
  readonly removed: readonly RemovedBackup[];
  readonly streams: readonly PrunedStream[];
}

export async function prune(options: PruneCliOptions): Promise<number> {
  const config = await configOf(options);
  const source = folderOf(options.source, config);
  const pruned = await pruneFolder(options, config, source);
  if (options.json) printJson({ source, dry_run: options.dryRun === true, ...pruned });
  else printPruned(pruned, options.dryRun === true);
  return EXIT_OK;
}

async function pruneFolder(options: PruneCliOptions, config: Config, source: string): Promise<Pruned> {
  const { openFolder } = await import('../../runtime/backup/places.js');
  const { surveyFolder } = await import('../../backup/manifest/backup-folder.js');
  const { parseKeep } = await import('../../backup/prune/keep-text.js');
  const { pruneBackups } = await import('../../backup/prune/prune-backups.js');
  const { pruneStreams } = await import('../../backup/prune/prune-stream.js');
  const { decideRetention, RETENTION_DEFAULT } = await import('../../backup/prune/retention.js');
  const keep = options.keep ?? config['backup.schedule'].keep;
  const retention = keep === '' ? RETENTION_DEFAULT : parseKeep(keep);
  const isDry = options.dryRun === true;
  const folder = openFolder(source, config);
  const interruption = listenForInterruption('some backups that need not be kept are still there');
  const { signal } = interruption;
  try {
    const nowMs = systemClock.wallMs();
    const found = await surveyFolder(folder, { key: keyOf(options, config) });
    const verdicts = decideRetention(found, retention, nowMs);
    const removed = await pruneBackups({ folder, found, verdicts, nowMs, isDry, signal });
    const kept = verdicts.filter(({ isKept }) => isKept);
    const names = new Set(kept.map(({ name }) => name));
    const streamFolder = openFolder(streamLocation(options, config, source), config);
    try {
      const streams = await pruneStreams({
        folder: streamFolder,
        kept: found.filter(({ name }) => names.has(name)),
        walMs: retention.walMs,
        nowMs,
        isDry,
        signal,
      });
      return { kept, removed, streams };
    } finally {
      await streamFolder.close();
    }
  } finally {
    interruption.stop();
    await folder.close();
  }
}

const streamLocation = ({ walStream }: PruneCliOptions, config: Config, source: string): string =>
  walStream ?? (config['backup.wal_stream'].destination || source);

function printPruned({ kept, removed, streams }: Pruned, isDry: boolean): void {
  const verb = isDry ? 'would remove' : 'removed';
  for (const { name, reason } of kept) print(`kept ${clean(name)}: ${clean(reason)}`);
  for (const { name, reason, objects, bytes } of removed)
    print(`${verb} ${clean(name)}: ${clean(reason)} (${objects} objects, ${bytesText(bytes)})`);
  for (const { instance, objects, bytes, since } of streams) {
    if (objects > 0)
      print(`${verb} ${objects} objects of the log of ${instance} from before ${since}, ${bytesText(bytes)}`);
  }
  const total = [...removed, ...streams].reduce((sum, { bytes }) => sum + bytes, 0);
  print(
    `${kept.length} backups kept, ${removed.length} ${isDry ? 'to be removed' : 'removed'}, ${bytesText(total)} ${isDry ? 'to be freed' : 'freed'}`,
  );
}
