/** `lumadb backup verify`: checks a backup and all that it builds upon. */

import { tmpdir } from 'node:os';
import { basename, resolve } from 'node:path';
import type { VerifyFinding, VerifyReport } from '../../backup/verify/verify-report.js';
import { systemClock } from '../../base/clock.js';
import type { Config } from '../../config/schema.js';
import { listenForInterruption } from '../backup/interruption.js';
import { noteRun } from '../backup/note.js';
import { type BackupStoreOptions, keyOf, required } from '../backup/options.js';
import { bytesText, configOf, type OfflineOptions } from '../offline.js';
import { EXIT_FAILED, EXIT_OK, print, printJson } from '../output.js';
import { startByteBar } from '../progress.js';

export interface VerifyCliOptions extends OfflineOptions, BackupStoreOptions {
  readonly source?: string;
  readonly quick?: boolean;
  readonly restoreTest?: boolean;
  readonly scratch?: string;
  /** False for --no-note. */
  readonly note: boolean;
}

const LANES_DEFAULT = 4;

export async function verify(options: VerifyCliOptions): Promise<number> {
  const source = required(options.source, '--source');
  const config = await configOf(options);
  const startedMs = systemClock.wallMs();
  const job = options.restoreTest === true ? 'restore_drill' : 'verify';
  const work = job === 'verify' ? readAll : restoreAndCheck;
  const code = await work(options, config, source);
  // A look at names and sizes proves nothing of the bytes.
  if (options.quick !== true) {
    const outcome = code === EXIT_OK ? 'ok' : 'failed';
    await noteRun(options, config, { job, startedMs, outcome, backup: basename(source), message: null });
  }
  return code;
}

async function restoreAndCheck(options: VerifyCliOptions, config: Config, source: string): Promise<number> {
  const { openBackup } = await import('../../runtime/backup/places.js');
  const { offlineEnvironment } = await import('../../runtime/maintenance.js');
  const { openDecoder } = await import('../../runtime/backup/thread-decoder.js');
  const { testRestore } = await import('../../runtime/restore/restore-test.js');
  const environment = offlineEnvironment(config);
  const parallel = options.parallel ?? LANES_DEFAULT;
  const decoder = openDecoder(environment.vfs, parallel);
  const place = openBackup(source, config, options.rateLimit);
  const interruption = listenForInterruption('the backup was not verified');
  const bar = await startByteBar('restoring');
  const key = keyOf(options, config);
  try {
    const { verdict, findings } = await testRestore(
      {
        ...environment,
        source: place,
        walSource: undefined,
        point: { kind: 'backup' },
        collections: undefined,
        ...(key && { key }),
        decoder,
        parallel,
        signal: interruption.signal,
        onProgress: (step, done, total) => (step === 'copying' ? bar.update(done, total) : undefined),
      },
      config,
      resolve(options.scratch ?? tmpdir()),
    );
    bar.stop();
    const { seqno, documents, seconds } = verdict;
    if (options.json) printJson({ source, ok: findings.length === 0, seqno, documents, seconds, findings });
    else {
      for (const finding of findings) print(finding);
      print(
        `restored to seqno ${seqno} in ${seconds.toFixed(1)} s and checked: ${documents} documents; removed again`,
      );
      print(findings.length === 0 ? 'ok' : `${findings.length} findings`);
    }
    return findings.length === 0 ? EXIT_OK : EXIT_FAILED;
  } finally {
    bar.stop();
    interruption.stop();
    await decoder.close();
    await place.close();
  }
}

async function readAll(options: VerifyCliOptions, config: Config, source: string): Promise<number> {
  const key = keyOf(options, config);
  const { openBackup } = await import('../../runtime/backup/places.js');
  const { openDecoder } = await import('../../runtime/backup/thread-decoder.js');
  const { verifyBackup } = await import('../../backup/verify/verify-backup.js');
  const { offlineEnvironment } = await import('../../runtime/maintenance.js');
  const lanes = options.parallel ?? LANES_DEFAULT;
  const decoder = openDecoder(offlineEnvironment(config).vfs, lanes);
  const place = openBackup(source, config, options.rateLimit);
  const interruption = listenForInterruption('the backup was not verified');
  const bar = await startByteBar('verifying');
  let report: VerifyReport;
  try {
    report = await verifyBackup({
      place,
      key,
      isQuick: options.quick === true,
      decoder,
      lanes,
      signal: interruption.signal,
      onProgress: (done, total) => bar.update(done, total),
    });
  } finally {
    bar.stop();
    interruption.stop();
    await decoder.close();
    await place.close();
  }
  if (options.json) printJson({ source, quick: options.quick === true, ...jsonOf(report) });
  else printReport(report, options.quick === true);
  return report.findings.length === 0 ? EXIT_OK : EXIT_FAILED;
}

function jsonOf({ chain, objects, rawBytes, storedBytes, findings, omitted }: VerifyReport) {
  return {
    ok: findings.length === 0,
    chain,
    objects,
    raw_bytes: rawBytes,
    stored_bytes: storedBytes,
    findings,
    omitted,
  };
}

function printReport(
  { chain, objects, rawBytes, storedBytes, findings, omitted }: VerifyReport,
  isQuick: boolean,
) {
  for (const finding of findings) print(lineOf(finding));
  if (omitted > 0) print(`and ${omitted} more`);
  if (chain.length > 0)
    print(chain.map(({ name, type, seqno }) => `${name} (${type}, seqno ${seqno})`).join(' ← '));
  print(
    isQuick
      ? `${objects} objects of ${bytesText(storedBytes)} are there; nothing of them was read`
      : `${objects} objects of ${bytesText(storedBytes)} read: ${bytesText(rawBytes)}`,
  );
  const errors = findings.length + omitted;
  print(errors === 0 ? 'ok' : `${errors} ${errors === 1 ? 'error' : 'errors'}`);
}

function lineOf({ backup, object, offset, reason }: VerifyFinding): string {
  const at = offset === null ? '' : ` at offset ${offset}`;
  return `error: ${backup}${object === null ? '' : `/${object}`}${at}: ${reason}`;
}
