/**
 * Whether a backup can be restored: it is, into scratch space, checked there by fsck, and removed again. Main thread of a command.
 */
import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { Config } from '../../config/schema.js';
import { fsck } from '../../tools/fsck.js';
import { removeTree } from '../data-directory.js';
import { openOffline } from '../maintenance.js';
import { type RestoreOptions, type RestoreVerdict, restore } from './restore.js';

export interface RestoreTest {
  readonly verdict: RestoreVerdict;
  /** What fsck found wrong, a sentence each. */
  readonly findings: readonly string[];
}

/** `scratch`: a directory; a new one is made in it and removed. Throws what a restore throws. */
export async function testRestore(
  options: Omit<RestoreOptions, 'target' | 'isForced'>,
  config: Config,
  scratch: string,
): Promise<RestoreTest> {
  options.vfs.makeDirectory(scratch);
  const target = join(scratch, `restore-test-${randomUUID()}`);
  try {
    const verdict = await restore({ ...options, target, isForced: false });
    const maintained = await openOffline({ ...config, storage: { ...config.storage, data_dir: target } });
    try {
      const { findings, omitted } = fsck({ ...maintained, isLive: false });
      const lines = findings.map(({ severity, file, reason }) => `${severity}: ${file}: ${reason}`);
      return { verdict, findings: omitted === 0 ? lines : [...lines, `and ${omitted} more`] };
    } finally {
      maintained.close();
    }
  } finally {
    removeTree(target);
  }
}
