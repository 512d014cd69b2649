/** `lumadb backup verify`: checks a backup and all that it builds upon. */
import type { VerifyFinding, VerifyReport } from '../../backup/verify/verify-report.js';
import { listenForInterruption } from '../backup/interruption.js';
import { type BackupStoreOptions, keyOf, required } from '../backup/options.js';
import { bytesText, configOf, type OfflineOptions } from '../offline.js';
import { EXIT_FAILED, EXIT_OK, print, printJson } from '../output.js';
import { startByteBar } from '../progress.js';

export interface VerifyCliOptions extends OfflineOptions, BackupStoreOptions {
  readonly source?: string;
  readonly quick?: boolean;
}

const LANES_DEFAULT = 4;

export async function verify(options: VerifyCliOptions): Promise<number> {
  const source = required(options.source, '--source');
  const config = await configOf(options);
  const key = keyOf(options, config);
  const { openBackup } = await import('../../runtime/backup/places.js');
  const { verifyBackup } = await import('../../backup/verify/verify-backup.js');
  const place = openBackup(source, config, options.rateLimit);
  const interruption = listenForInterruption('the backup was not verified');
  const bar = await startByteBar('verifying');
  let report: VerifyReport;
  try {
    report = await verifyBackup({
      place,
      key,
      isQuick: options.quick === true,
      lanes: options.parallel ?? LANES_DEFAULT,
      signal: interruption.signal,
      onProgress: (done, total) => bar.update(done, total),
    });
  } finally {
    bar.stop();
    interruption.stop();
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
