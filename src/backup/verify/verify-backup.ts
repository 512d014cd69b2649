/**
 * Checks a backup and all that it builds upon without restoring anything: that they belong to each other, that every object is
 * there, and, unless a quick look was asked for, every byte of every object. Finds all there is to find. One thread.
 */
import { DbError } from '../../base/errors.js';
import { inLanes } from '../create/lanes.js';
import type { Decoder, DecodeWork } from '../decode/decode-job.js';
import type { BackedUpFile } from '../manifest/backup-manifest.js';
import { type BackupPlace, type Chain, type ChainMember, surveyChain } from '../manifest/chain.js';
import { absentObjects } from '../manifest/objects-present.js';
import { decodeObject } from '../object/object-reader.js';
import { readFile } from './verify-object.js';
import { VerifyFindings, type VerifyReport } from './verify-report.js';
import { shardProblems } from './verify-shards.js';

export interface VerifyOptions {
  readonly place: BackupPlace;
  /** 32 bytes; needed for encrypted backups. */
  readonly key?: Uint8Array;
  /** What the backups say and which objects are there, and no bytes of them. */
  readonly isQuick: boolean;
  readonly decoder: Decoder;
  /** Objects at a time. */
  readonly lanes: number;
  readonly signal?: AbortSignal;
  /** Raw bytes. */
  readonly onProgress?: (bytesDone: number, bytesTotal: number) => void;
}

/** Throws DbError: NOT_FOUND (no finished backup there), BACKUP_KEY, and what says that the store cannot be asked now. */
export async function verifyBackup(options: VerifyOptions): Promise<VerifyReport> {
  const findings = new VerifyFindings();
  const chain = await readable(options, findings);
  const verification = new Verification(options, chain, findings);
  await verification.run();
  const { objects, rawBytes, storedBytes } = verification;
  return {
    chain: chain.map(({ name, manifest: { type, seqno } }) => ({ name, type, seqno })),
    objects,
    rawBytes,
    storedBytes,
    findings: findings.kept,
    omitted: findings.omitted,
  };
}

async function readable({ place, key }: VerifyOptions, findings: VerifyFindings): Promise<Chain | []> {
  try {
    const { chain, problems } = await surveyChain(place, { key });
    for (const { backup, reason } of problems) findings.add(backup, null, reason);
    return chain;
  } catch (error) {
    if (!(error instanceof DbError) || error.code !== 'CORRUPT_BACKUP') throw error;
    findings.add(place.name, null, error.message);
    return [];
  }
}

interface ObjectReading {
  readonly signal: AbortSignal;
  /** Raw bytes. */
  readonly onBytes: (bytes: number) => void;
}

interface VerifyItem {
  readonly member: ChainMember;
  readonly object: string;
  readonly rawBytes: number;
  readonly storedBytes: number;
  readonly verify: (reading: ObjectReading) => Promise<void>;
}

class Verification {
  objects = 0;
  rawBytes = 0;
  storedBytes = 0;
  /** By `backup/path`: files that are looked into once all are read. */
  private readonly small = new Map<string, Uint8Array>();

  constructor(
    private readonly options: VerifyOptions,
    private readonly chain: Chain | [],
    private readonly findings: VerifyFindings,
  ) {}

  async run(): Promise<void> {
    const items: VerifyItem[] = [];
    for (const member of this.chain) items.push(...(await this.present(member)));
    if (this.options.isQuick) {
      this.objects = items.length;
      this.storedBytes = items.reduce((sum, { storedBytes }) => sum + storedBytes, 0);
      return;
    }
    const total = items.reduce((sum, { rawBytes }) => sum + rawBytes, 0);
    const { lanes, signal, onProgress } = this.options;
    onProgress?.(0, total);
    await inLanes(items, lanes, signal, async (item, either) => {
      const onBytes = (bytes: number): void => {
        this.rawBytes += bytes;
        onProgress?.(Math.min(this.rawBytes, total), total);
      };
      await this.verify(item, { signal: either, onBytes });
    });
    for (const member of this.chain) this.lookInto(member);
  }

  /** What can be read at all. */
  private async present(member: ChainMember): Promise<VerifyItem[]> {
    const { name, manifest } = member;
    const absent = await absentObjects(member);
    for (const { object, what, reason } of absent) this.findings.add(name, object, `it ${reason} (${what})`);
    const isAbsent = new Set(absent.map(({ object }) => object));
    const files = manifest.files
      .filter((file) => file.in === undefined)
      .map((file) => this.fileItem(member, file));
    const pieces = manifest.log.map((piece) => ({
      member,
      object: piece.object,
      rawBytes: piece.object_bytes,
      storedBytes: piece.object_bytes,
      verify: (reading: ObjectReading) =>
        this.decode(reading, member, piece.object, { kind: 'verify-piece', piece }),
    }));
    return [...files, ...pieces].filter(({ object }) => !isAbsent.has(object));
  }

  private fileItem(member: ChainMember, file: BackedUpFile): VerifyItem {
    return {
      member,
      object: file.object,
      rawBytes: file.size_bytes,
      storedBytes: file.object_bytes,
      verify: (reading) =>
        file.path.endsWith('.sst')
          ? this.decode(reading, member, file.object, { kind: 'verify-table', file })
          : this.keep(reading, member, file),
    };
  }

  private decode(
    { signal, onBytes }: ObjectReading,
    { store }: ChainMember,
    object: string,
    work: DecodeWork,
  ): Promise<void> {
    const { decoder, key } = this.options;
    const name = `${store.url}/${object}`;
    return decoder.run({ name, work, ...(key && { key }) }, store.get(object, { signal }), onBytes);
  }

  private async keep(
    { signal, onBytes }: ObjectReading,
    { name: backup, store }: ChainMember,
    file: BackedUpFile,
  ): Promise<void> {
    const { key } = this.options;
    const name = `${store.url}/${file.object}`;
    const raw = decodeObject(store.get(file.object, { signal }), { name, ...(key && { key }) });
    const bytes = await readFile(raw, file, name);
    onBytes(bytes.length);
    this.small.set(`${backup}/${file.path}`, bytes);
  }

  private async verify(item: VerifyItem, reading: ObjectReading): Promise<void> {
    const { member, object, storedBytes } = item;
    this.objects++;
    this.storedBytes += storedBytes;
    try {
      await item.verify(reading);
    } catch (error) {
      if (!(error instanceof DbError) || !isOfObject(error)) throw error;
      const offset = error.details?.['offset'];
      this.findings.add(member.name, object, reasonOf(error), typeof offset === 'number' ? offset : null);
    }
  }

  private lookInto({ name, manifest }: ChainMember): void {
    const small = new Map<string, Uint8Array>();
    for (const { path } of manifest.files) {
      const bytes = this.small.get(`${name}/${path}`);
      if (bytes !== undefined) small.set(path, bytes);
    }
    for (const { path, reason } of shardProblems(manifest, small)) {
      const object = manifest.files.find((file) => file.path === path)?.object ?? null;
      this.findings.add(name, object, `${path}: ${reason}`);
    }
  }
}

/** A store that cannot be asked says nothing of its objects. */
function isOfObject({ code, details }: DbError): boolean {
  switch (code) {
    case 'CORRUPT_BACKUP':
    case 'CORRUPT_TABLE':
    case 'BACKUP_KEY':
    case 'NOT_FOUND':
    case 'IO':
      return true;
    default:
      return typeof details?.['reason'] === 'string';
  }
}

const reasonOf = ({ code, message, details }: DbError): string =>
  code === 'CORRUPT_BACKUP' && typeof details?.['reason'] === 'string' ? details['reason'] : message;
