/**
 * The thread that copies the log to where it is streamed: reads segments, compresses, encrypts, uploads. What to copy is decided
 * on the main thread (keeper.ts).
 */
import type { MessagePort } from 'node:worker_threads';
import { parseKey } from '../../backup/object/key-file.js';
import { encodeObject } from '../../backup/object/object-writer.js';
import type { ObjectStore } from '../../backup/store/object-store.js';
import { openObjectStore } from '../../backup/store/open-store.js';
import type { S3Options } from '../../backup/store/s3-options.js';
import { type ShipJob, type Shipped, shipLog, startOfLog } from '../../backup/stream/ship-log.js';
import { asShardId } from '../../base/brand.js';
import { toWireError, type WireError } from '../../base/errors.js';
import type { JobOutcome } from '../../engine/store-scheduler.js';
import type { CodecName } from '../../sst/codec.js';
import { RealVfs } from '../../vfs/real.js';
import { exposeOn } from '../endpoint.js';

export interface WalStreamThreadData {
  readonly destination: string;
  readonly s3: S3Options;
  readonly instanceId: string;
  readonly compression: CodecName;
  /** Empty: nothing is encrypted. */
  readonly keyFile: string;
  readonly controlPort: MessagePort;
}

export type LogStart = NonNullable<ReturnType<typeof startOfLog>>;

/** What has arrived, and the error that ended it early, if one did. */
export interface ShipOutcome {
  readonly shipped: Shipped;
  readonly error: WireError | undefined;
}

export interface WalStreamControl {
  ship(job: Omit<ShipJob, 'compression' | 'key'>): Promise<ShipOutcome>;
  startOfLog(walDirectory: string, shard: number): JobOutcome<LogStart | null>;
  /** A small object. `isPlain`: as it is, for people and tools; else encoded as all others. */
  put(name: string, bytes: Uint8Array, isPlain: boolean): Promise<WireError | undefined>;
  close(): Promise<void>;
}

class WalStreamThread implements WalStreamControl {
  private readonly vfs = new RealVfs();
  private root: ObjectStore | undefined;
  private key: Buffer | undefined;

  constructor(private readonly data: WalStreamThreadData) {}

  async ship(job: Omit<ShipJob, 'compression' | 'key'>): Promise<ShipOutcome> {
    const { after: through, chain, from: position } = job;
    let shipped: Shipped = { through, chain, position, pieces: 0, records: 0, bytes: 0 };
    try {
      await shipLog(this.vfs, this.store(), { ...job, ...this.encoding() }, (arrived) => {
        shipped = arrived;
      });
      return { shipped, error: undefined };
    } catch (error) {
      return { shipped, error: toWireError(error) };
    }
  }

  startOfLog(walDirectory: string, shard: number): JobOutcome<LogStart | null> {
    try {
      return { result: startOfLog(this.vfs, walDirectory, asShardId(shard)) ?? null };
    } catch (error) {
      return { error: toWireError(error) };
    }
  }

  async put(name: string, bytes: Uint8Array, isPlain: boolean): Promise<WireError | undefined> {
    try {
      const source = isPlain ? once(bytes) : encodeObject([bytes], this.encoding());
      await this.store().put(name, source);
      return undefined;
    } catch (error) {
      return toWireError(error);
    }
  }

  async close(): Promise<void> {
    await this.root?.close();
    setImmediate(() => this.data.controlPort.close());
  }

  /** Opened with the first call, so that a key or a place that is not there is the error of that call. */
  private store(): ObjectStore {
    const { destination, s3, instanceId } = this.data;
    this.root ??= openObjectStore(destination, { s3 });
    return this.root.below(instanceId);
  }

  private encoding(): { readonly compression: CodecName; readonly key?: Buffer } {
    const { compression, keyFile } = this.data;
    if (keyFile === '') return { compression };
    this.key ??= parseKey(this.vfs.readFile(keyFile), keyFile);
    return { compression, key: this.key };
  }
}

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}

/** Entry point of workers/wal-stream.ts. */
export function runWalStreamThread(data: WalStreamThreadData): void {
  exposeOn(data.controlPort, new WalStreamThread(data));
}
