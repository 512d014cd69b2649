/**
 * Creates manifest files and points CURRENT at them. A new manifest is whole and durable before it has its name, and has
 * its name durably before CURRENT names it: at every moment CURRENT names a whole manifest.
 */
import type { ShardId } from '../base/brand.js';
import { unlinkQuietly } from '../vfs/transfer.js';
import type { Vfs, VfsFile } from '../vfs/vfs.js';
import { ByteWriter } from './byte-writer.js';
import { encodeHeader, encodeRecord, encodeSeal, MANIFEST_HEADER_BYTES } from './manifest-format.js';
import { CURRENT, encodeCurrent, manifestName, temporaryManifestName } from './manifest-names.js';
import type { VersionEdit } from './version-edit.js';
import { encodeVersionEdit } from './version-edit-encoder.js';

/** The directory that holds tables and manifests of one shard. */
export interface ManifestDirectory {
  readonly vfs: Vfs;
  readonly directory: string;
  readonly shard: ShardId;
}

export interface CreatedManifest {
  readonly path: string;
  readonly sizeBytes: number;
  /** Where the next record goes. */
  readonly end: number;
}

/**
 * Writes `MANIFEST-<number>` with one record, the snapshot. Durable when it returns. When it throws nothing has
 * changed, except for files that start-up knows as incomplete or superseded.
 */
export function createManifestFile(
  { vfs, directory, shard }: ManifestDirectory,
  number: number,
  sequence: number,
  snapshot: VersionEdit,
): CreatedManifest {
  const path = `${directory}/${manifestName(number)}`;
  const temporary = `${directory}/${temporaryManifestName(number)}`;
  const bytes = encodeManifest(shard, number, sequence, snapshot);
  try {
    writeDurably(vfs.open(temporary, 'create'), bytes.all);
    vfs.rename(temporary, path);
    vfs.syncDirectory(directory);
  } catch (error) {
    unlinkQuietly(vfs, temporary);
    unlinkQuietly(vfs, path);
    throw error;
  }
  return { path, sizeBytes: bytes.all.length, end: bytes.end };
}

/** Makes CURRENT name this manifest, durably. When it throws, CURRENT may name it or the one before. */
export function pointCurrentAt({ vfs, directory }: ManifestDirectory, number: number): void {
  vfs.writeFileAtomic(`${directory}/${CURRENT}`, encodeCurrent(number));
}

/** The bytes of `MANIFEST-<number>` with one record, the snapshot, for somebody else to store. */
export function encodeManifest(
  shard: ShardId,
  number: number,
  sequence: number,
  snapshot: VersionEdit,
): { all: Uint8Array; end: number } {
  const payload = new ByteWriter();
  encodeVersionEdit(snapshot, payload);
  const place = { manifest: number, offset: MANIFEST_HEADER_BYTES };
  const record = encodeRecord(place, sequence, payload.written());
  const end = MANIFEST_HEADER_BYTES + record.length;
  // The seal is true from the moment the file has its name: all of it was synced by then.
  const parts = [encodeHeader(shard, number), record, encodeSeal({ manifest: number, offset: end })];
  return { all: Buffer.concat(parts), end };
}

function writeDurably(file: VfsFile, bytes: Uint8Array): void {
  try {
    file.pwrite(bytes, 0, bytes.length, 0);
    file.fsync();
  } finally {
    file.close();
  }
}
