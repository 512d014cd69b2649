/** Where a record was measured: enough to compare with, nothing that names the machine. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { cpus, release, tmpdir, totalmem } from 'node:os';
import { PACKAGE_ROOT } from './package-root.js';

export interface Machine {
  readonly cpu: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly kernel: string;
  readonly node: string;
  readonly fileSystem: string;
}

export interface SourceState {
  readonly commit: string;
  /** True when the working tree had changes that are in no commit. */
  readonly dirty: boolean;
}

/** Magic numbers of statfs(2). */
const FILE_SYSTEMS: Readonly<Record<number, string>> = {
  61267: 'ext4',
  1481003842: 'xfs',
  2435016766: 'btrfs',
  2035054128: 'overlay',
  16914836: 'tmpfs',
  801189825: 'zfs',
  26985: 'nfs',
};

export function describeMachine(): Machine {
  const type = statfsSync(tmpdir()).type;
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: process.version,
    fileSystem: FILE_SYSTEMS[type] ?? `0x${type.toString(16)}`,
  };
}

export function describeSource(): SourceState {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: PACKAGE_ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  try {
    // The record of the run before is no change of what is measured.
    const changes = git('status', '--porcelain', '--', '.', ':!perf/history.ndjson');
    return { commit: git('rev-parse', 'HEAD').trim(), dirty: changes.trim() !== '' };
  } catch {
    // Not a checkout, or no git: an unpacked package.
    return { commit: 'unknown', dirty: true };
  }
}
