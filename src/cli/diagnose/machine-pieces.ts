/** The machine: versions, processors, memory, limits of the cgroup and of the shell, and the disk under the data directory. */
import { existsSync, realpathSync, statfsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, cpus, loadavg, release, type, uptime, version } from 'node:os';
import { join } from 'node:path';
import { packageVersion } from '../../base/version.js';
import { readHead, readHeadOrReason, readHeads } from './bounded-file.js';
import { limitsOf } from './limits.js';
import { mountOf } from './mount.js';
import { jsonPiece, type Piece } from './piece.js';

const LIMIT_MS = 10_000;
const MOUNTS_BYTES_MAX = 4 * 1024 * 1024;
/** `pid`: of the server; null takes the limits of this command, which a server that is started from here would have. */
export function machinePieces(pid: number | null, dataDirectory: string): Piece[] {
  const of = pid === null ? 'self' : String(pid);
  const piece = (name: string, make: () => unknown): Piece => ({
    name: `machine/${name}`,
    source: 'machine',
    limitMs: LIMIT_MS,
    make: () => jsonPiece(make()),
  });
  return [
    piece('versions.json', versions),
    piece('hardware.json', hardware),
    piece('limits.json', () => limitsOf(of)),
    piece('disk.json', () => disk(of, dataDirectory)),
  ];
}

/** Of this installation; those of a running server are in server/diagnostics.json. */
function versions(): unknown {
  const reporter = process.report as NodeJS.ProcessReport & { excludeNetwork?: boolean };
  // Otherwise it asks the name service who the peers of our sockets are.
  reporter.excludeNetwork = true;
  const report = reporter.getReport() as unknown as { header: Record<string, unknown> };
  return {
    lumadb: packageVersion(),
    ...process.versions,
    packages: packageVersions(),
    os: { type: type(), release: release(), version: version() },
    distribution: readHeadOrReason('/etc/os-release'),
    glibc: report.header['glibcVersionRuntime'] ?? null,
  };
}

const PACKAGES = [
  'uWebSockets.js',
  'lz4-napi',
  'zstd-napi',
  'fs-native-extensions',
  'libpg-query',
  'piscina',
  'comlink',
  'pino',
  'flatbuffers',
];

/** Null: not installed. */
function packageVersions(): Record<string, string | null> {
  // Not by require(): what a package exports seldom has its package.json.
  const directories = createRequire(import.meta.url).resolve.paths('pino') ?? [];
  const versionOf = (name: string): string | null => {
    const file = directories.map((each) => join(each, name, 'package.json')).find((each) => existsSync(each));
    return file === undefined ? null : (JSON.parse(readHead(file)) as { version: string }).version;
  };
  return Object.fromEntries(PACKAGES.map((name) => [name, versionOf(name)]));
}

function hardware(): unknown {
  const models = cpus().map(({ model }) => model);
  return {
    cpus: models.length,
    cpu_models: [...new Set(models)],
    available_parallelism: availableParallelism(),
    load_average: loadavg(),
    uptime_seconds: Math.round(uptime()),
    ...readHeads({
      meminfo: '/proc/meminfo',
      vmstat: '/proc/vmstat',
      stat: '/proc/stat',
      pressure_cpu: '/proc/pressure/cpu',
      pressure_memory: '/proc/pressure/memory',
      pressure_io: '/proc/pressure/io',
      transparent_hugepages: '/sys/kernel/mm/transparent_hugepage/enabled',
      overcommit_memory: '/proc/sys/vm/overcommit_memory',
      swappiness: '/proc/sys/vm/swappiness',
      dirty_ratio: '/proc/sys/vm/dirty_ratio',
      dirty_background_ratio: '/proc/sys/vm/dirty_background_ratio',
      file_max: '/proc/sys/fs/file-nr',
      somaxconn: '/proc/sys/net/core/somaxconn',
    }),
  };
}

function disk(of: string, dataDirectory: string): unknown {
  const path = realpathSync(dataDirectory);
  const mount = mountOf(readHead(`/proc/${of}/mountinfo`, MOUNTS_BYTES_MAX), path);
  const { bsize, blocks, bfree, bavail, files, ffree, type: kind } = statfsSync(dataDirectory);
  const device = `/sys/dev/block/${mount?.device ?? ''}`;
  // A partition has no queue of its own: that is its disk's, one up behind the link.
  const queue = existsSync(`${device}/queue`) ? `${device}/queue` : `${device}/../queue`;
  return {
    data_directory: path,
    mount: mount ?? null,
    file_system_type: `0x${kind.toString(16)}`,
    total_bytes: blocks * bsize,
    free_bytes: bfree * bsize,
    available_bytes: bavail * bsize,
    files,
    files_free: ffree,
    device: readHeads({
      scheduler: `${queue}/scheduler`,
      rotational: `${queue}/rotational`,
      write_cache: `${queue}/write_cache`,
      stat: `${device}/stat`,
    }),
  };
}
