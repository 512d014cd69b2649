/** Manifests of backups that were never made, for tests of what is said between them. */
import { type BackupManifest, encodeManifest } from '../../../src/backup/manifest/backup-manifest.js';
import { NO_CHAIN_HEX } from '../../../src/backup/manifest/log-coverage.js';
import type { ObjectStore } from '../../../src/backup/store/object-store.js';

export const hex32 = (digit: string): string => digit.repeat(64);

/** A full backup of one shard at seqno 100, whose tables end at 50. */
export function manifestOf(changes: Partial<BackupManifest> = {}): BackupManifest {
  return {
    format_version: 1,
    id: '11111111-1111-4111-8111-111111111111',
    name: 'full',
    type: 'full',
    lumadb_version: '0.1.0',
    instance_id: 'instance',
    shards: 1,
    seqno: 100,
    taken_at: '2026-01-01T00:00:00.000Z',
    finished_at: '2026-01-01T00:01:00.000Z',
    database_seconds: 1,
    collections: null,
    compression: 'none',
    encryption: null,
    wal_stream: null,
    parent: null,
    files: [fileOf(1)],
    log: [pieceOf(50, 100, 'a')],
    shard_states: [{ shard: 0, flushed_seqno: 50 }],
    ...changes,
  };
}

export function fileOf(
  number: number,
  changes: Partial<BackupManifest['files'][number]> = {},
): BackupManifest['files'][number] {
  const name = `${String(number).padStart(10, '0')}.sst`;
  return {
    path: `shard-0000/sst/${name}`,
    size_bytes: 10,
    sha256: hex32('1'),
    modified_ms: 5,
    object: `shard-0000/${name}.none`,
    object_bytes: 90,
    ...changes,
  };
}

/** A piece whose chain is 64 times this digit. */
export function pieceOf(
  after: number,
  through: number,
  chain: string,
  previous?: string,
): BackupManifest['log'][number] {
  return {
    shard: 0,
    after,
    through,
    records: 1,
    last_wall_clock_ms: 7,
    chain: hex32(chain),
    previous_chain: previous === undefined ? NO_CHAIN_HEX : hex32(previous),
    object: 'shard-0000/log',
    object_bytes: 90,
  };
}

/** Puts it into its folder, and returns what a child says of it. */
export async function store(
  siblings: ObjectStore,
  manifest: BackupManifest,
  key?: Uint8Array,
): Promise<NonNullable<BackupManifest['parent']>> {
  const { text, digest } = encodeManifest(manifest, key);
  await siblings.below(manifest.name).put('backup.json', bytesOf(text));
  return { name: manifest.name, id: manifest.id, digest };
}

async function* bytesOf(text: string): AsyncGenerator<Uint8Array> {
  yield Buffer.from(text);
}
