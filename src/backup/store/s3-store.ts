/** A store in a bucket of S3, or of a server that speaks it, below a prefix of keys. Any thread. */
import type { ListMultipartUploadsCommandOutput, ListObjectsV2CommandOutput } from '@aws-sdk/client-s3';
import type { Clock } from '../../base/clock.js';
import { checkFolderPrefix, checkName, checkPrefix, isObjectName } from './names.js';
import type { ListedObject, ObjectFacts, ObjectStore } from './object-store.js';
import { readWhole } from './read-whole.js';
import { S3Download } from './s3-download.js';
import type { S3Session } from './s3-session.js';
import { upload } from './s3-upload.js';

export class S3Store implements ObjectStore {
  readonly url: string;

  constructor(
    private readonly session: S3Session,
    /** '' or a name with '/' behind it. */
    private readonly base: string,
    private readonly clock: Clock,
  ) {
    this.url = `s3://${session.bucket}${base === '' ? '' : `/${base.slice(0, -1)}`}`;
  }

  async put(
    name: string,
    source: AsyncIterable<Uint8Array>,
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<{ readonly sizeBytes: number }> {
    const target = { key: this.keyOf(name), name, store: this.url };
    return { sizeBytes: await upload(this.session, target, source, options.signal) };
  }

  async *get(
    name: string,
    options: { readonly offset?: number; readonly signal?: AbortSignal } = {},
  ): AsyncGenerator<Uint8Array, void, undefined> {
    const { offset = 0, signal } = options;
    const target = { key: this.keyOf(name), name, store: this.url };
    yield* new S3Download(this.session, target, offset, signal, this.clock).chunks();
  }

  read(name: string, maxBytes: number): Promise<Uint8Array> {
    return readWhole(this, name, maxBytes);
  }

  async stat(name: string): Promise<ObjectFacts | undefined> {
    const Key = this.keyOf(name);
    const request = { operation: 'stat', object: name };
    const facts = await this.session.callIfThere(this.url, request, ({ sdk, client }) =>
      client.send(new sdk.HeadObjectCommand({ Bucket: this.session.bucket, Key })),
    );
    if (facts === undefined) return undefined;
    return { sizeBytes: facts.ContentLength ?? 0, modifiedMs: facts.LastModified?.getTime() ?? 0 };
  }

  async *list(prefix: string): AsyncGenerator<ListedObject, void, undefined> {
    for await (const page of this.pages(checkPrefix(prefix), undefined)) {
      for (const { Key = '', Size = 0, LastModified } of page.Contents ?? []) {
        const name = Key.slice(this.base.length);
        // Keys that nobody could ask for: "folders" that consoles make, and those of others, who may mean harm.
        if (!isObjectName(name)) continue;
        yield { name, sizeBytes: Size, modifiedMs: LastModified?.getTime() ?? 0 };
      }
    }
  }

  async folders(prefix: string): Promise<string[]> {
    const full = this.base + checkFolderPrefix(prefix);
    const names: string[] = [];
    for await (const page of this.pages(prefix, '/')) {
      for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
        const name = Prefix.slice(full.length, -1);
        if (isObjectName(name)) names.push(name);
      }
    }
    return names;
  }

  async delete(name: string): Promise<void> {
    const Key = this.keyOf(name);
    await this.session.callIfThere(this.url, { operation: 'delete', object: name }, ({ sdk, client }) =>
      client.send(new sdk.DeleteObjectCommand({ Bucket: this.session.bucket, Key })),
    );
  }

  async sweepUnfinished(beganBeforeMs: number): Promise<number> {
    let swept = 0;
    for await (const { Uploads = [] } of this.unfinished()) {
      for (const { Key = '', UploadId, Initiated } of Uploads) {
        // Without a time it may be one that is going on.
        if (!Key.startsWith(this.base) || Initiated === undefined || Initiated.getTime() >= beganBeforeMs) {
          continue;
        }
        const request = { operation: 'sweep', object: Key.slice(this.base.length) };
        await this.session.call(this.url, request, ({ sdk, client }) =>
          client.send(new sdk.AbortMultipartUploadCommand({ Bucket: this.session.bucket, Key, UploadId })),
        );
        swept += 1;
      }
    }
    return swept;
  }

  below(folder: string): ObjectStore {
    return new S3Store(this.session, `${this.base}${checkName(folder)}/`, this.clock);
  }

  close(): Promise<void> {
    return this.session.close();
  }

  private keyOf(name: string): string {
    return this.base + checkName(name);
  }

  private async *pages(
    prefix: string,
    delimiter: '/' | undefined,
  ): AsyncGenerator<ListObjectsV2CommandOutput, void, undefined> {
    let token: string | undefined;
    do {
      const input = {
        Bucket: this.session.bucket,
        Prefix: this.base + prefix,
        Delimiter: delimiter,
        ContinuationToken: token,
      };
      const page = await this.session.call(
        this.url,
        { operation: 'list', object: prefix },
        ({ sdk, client }) => client.send(new sdk.ListObjectsV2Command(input)),
      );
      yield page;
      token = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    } while (token !== undefined);
  }

  private async *unfinished(): AsyncGenerator<ListMultipartUploadsCommandOutput, void, undefined> {
    let after: { KeyMarker?: string; UploadIdMarker?: string } | undefined = {};
    while (after !== undefined) {
      const input = { Bucket: this.session.bucket, Prefix: this.base, ...after };
      const page: ListMultipartUploadsCommandOutput = await this.session.call(
        this.url,
        { operation: 'sweep' },
        ({ sdk, client }) => client.send(new sdk.ListMultipartUploadsCommand(input)),
      );
      yield page;
      const { IsTruncated, NextKeyMarker: KeyMarker, NextUploadIdMarker: UploadIdMarker } = page;
      after = IsTruncated === true && KeyMarker !== undefined ? { KeyMarker, UploadIdMarker } : undefined;
    }
  }
}
