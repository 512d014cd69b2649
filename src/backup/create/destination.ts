/**
 * The place that a backup is made in, from empty to finished: what an interrupted run has left there, the record of what is
 * copied by now, and backup.json at the end. One backup, one thread.
 */
import type { Clock } from '../../base/clock.js';
import { DbError } from '../../base/errors.js';
import { BACKUP_MANIFEST } from '../manifest/backup-manifest.js';
import type { ObjectStore } from '../store/object-store.js';
import {
  type CopiedObject,
  decodePartial,
  encodePartial,
  keyIdText,
  PARTIAL_BACKUP,
  PARTIAL_BYTES_MAX,
  type PartialBackup,
} from './partial-backup.js';

/** Objects of backups, and nothing that somebody else may keep there. */
const OWN_OBJECT = /^(shard-\d{4}\/[a-zA-Z0-9.-]+|catalog|clock|security)$/;
export const isOwnObject = (name: string): boolean => OWN_OBJECT.test(name);
const SAVE_INTERVAL_MS = 2000;

export interface DestinationOptions {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly run: string;
  readonly instanceId: string;
  readonly compression: string;
  readonly key?: Uint8Array;
}

export class Destination {
  private readonly copied = new Map<string, CopiedObject>();
  private readonly startedAt: string;
  private savedMs: number | undefined;
  private saving: Promise<void> | undefined;

  private constructor(
    private readonly options: DestinationOptions,
    /** Objects that an interrupted run has left, by name, and their sizes. */
    private readonly leftovers: ReadonlyMap<string, number>,
    /** What it said of them, by path. */
    private readonly remembered: ReadonlyMap<string, CopiedObject>,
  ) {
    this.startedAt = new Date(options.clock.wallMs()).toISOString();
    // Written down again at once: this run may be interrupted before it comes to them.
    for (const each of remembered.values()) if (this.isThere(each)) this.copied.set(each.path, each);
  }

  /** Throws CONFLICT when there is a backup already. */
  static async requireFree(store: ObjectStore): Promise<void> {
    if ((await store.stat(BACKUP_MANIFEST)) !== undefined) throw conflict(store, 'it holds a backup already');
  }

  /**
   * Claims the place. Throws CONFLICT when there is a backup already, or something else that is not ours. Of what an interrupted
   * run has left everything is looked at, and used where it is what is wanted.
   */
  static async open(options: DestinationOptions): Promise<Destination> {
    const { store } = options;
    await Destination.requireFree(store);
    const leftovers = new Map<string, number>();
    let others: string | undefined;
    for await (const { name, sizeBytes } of store.list('')) {
      if (isOwnObject(name)) leftovers.set(name, sizeBytes);
      else if (name !== PARTIAL_BACKUP) others ??= name;
    }
    const partial = await readPartial(options);
    // A place without the record was never ours, whatever its files are called.
    if (others !== undefined || (partial === undefined && leftovers.size > 0))
      throw conflict(store, `it is not empty (${others ?? [...leftovers.keys()][0]}) and holds no backup`);
    // What is half written there is of the interrupted run: nobody goes on with it.
    if (partial !== undefined) await store.sweepUnfinished(options.clock.wallMs());
    const destination = new Destination(options, leftovers, usable(partial, options));
    await destination.save();
    return destination;
  }

  /** A table that an interrupted run has copied, when it is there as it should be. */
  resumable(path: string, sizeBytes: number, modifiedMs: number): CopiedObject | undefined {
    const found = this.remembered.get(path);
    if (found === undefined || found.size_bytes !== sizeBytes || found.modified_ms !== modifiedMs)
      return undefined;
    return this.isThere(found) ? found : undefined;
  }

  /** To be told of each table that was copied. Now and then it is written down. */
  async note(copied: CopiedObject): Promise<void> {
    this.copied.set(copied.path, copied);
    const sinceMs = this.options.clock.monotonicMs() - (this.savedMs ?? 0);
    if (sinceMs >= SAVE_INTERVAL_MS && this.saving === undefined) await this.save();
  }

  /** Writes down what is copied. Throws CONFLICT when another run has taken the place. */
  async save(): Promise<void> {
    // One at a time: the later record must not be overtaken by the earlier one.
    while (this.saving !== undefined) await this.saving;
    this.saving = this.write();
    try {
      await this.saving;
    } finally {
      this.saving = undefined;
    }
  }

  /** Makes it a backup. `named`: the objects that the manifest names, which alone stay. */
  async finish(manifest: string, named: ReadonlySet<string>): Promise<void> {
    const { store } = this.options;
    for (const name of this.leftovers.keys()) if (!named.has(name)) await store.delete(name);
    await this.requireOwn();
    await store.put(BACKUP_MANIFEST, once(Buffer.from(manifest)));
    await store.delete(PARTIAL_BACKUP);
  }

  private async write(): Promise<void> {
    const { store, run, instanceId, compression, key, clock } = this.options;
    if (this.savedMs !== undefined) await this.requireOwn();
    const contents: PartialBackup = {
      format_version: 1,
      run,
      instance_id: instanceId,
      compression,
      key_id: keyIdText(key),
      started_at: this.startedAt,
      objects: [...this.copied.values()],
    };
    await store.put(PARTIAL_BACKUP, once(encodePartial(contents, key)));
    this.savedMs = clock.monotonicMs();
  }

  private async requireOwn(): Promise<void> {
    const found = (await readPartial(this.options))?.contents;
    if (found?.run !== this.options.run)
      throw conflict(this.options.store, 'another run makes a backup there now');
  }

  private isThere({ object, object_bytes }: CopiedObject): boolean {
    return this.leftovers.get(object) === object_bytes;
  }
}

type ReadPartial = { readonly contents: PartialBackup | undefined };

/** Undefined when there is none; one that cannot be read is one all the same. */
async function readPartial({ store, key }: DestinationOptions): Promise<ReadPartial | undefined> {
  try {
    return { contents: decodePartial(await store.read(PARTIAL_BACKUP, PARTIAL_BYTES_MAX), key) };
  } catch (error) {
    if (error instanceof DbError && error.code === 'NOT_FOUND') return undefined;
    if (error instanceof DbError && error.code === 'PAYLOAD_TOO_LARGE') return { contents: undefined };
    throw error;
  }
}

function usable(
  partial: ReadPartial | undefined,
  { instanceId, compression }: DestinationOptions,
): Map<string, CopiedObject> {
  const contents = partial?.contents;
  const isUsable = contents?.instance_id === instanceId && contents.compression === compression;
  return new Map(isUsable ? contents.objects.map((each) => [each.path, each]) : []);
}

function conflict({ url }: ObjectStore, reason: string): DbError {
  return new DbError('CONFLICT', `no backup can be made in ${url}: ${reason}`, { destination: url, reason });
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
