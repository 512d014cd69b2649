/**
 * The connection of an S3 store and of all its views: the SDK, loaded with the first request because most servers never
 * need it, and one client. Turns what the SDK throws into DbErrors. Any thread; owned by the store that was opened.
 */
import type { S3Client } from '@aws-sdk/client-s3';
import { DbError } from '../../base/errors.js';
import { isNotFound, statusOf, translateS3Error } from './s3-errors.js';
import {
  checkS3Options,
  clientConfigOf,
  idleTimeoutMsOf,
  partSizeBytesOf,
  REGION_DEFAULT,
  type S3Options,
  secretsOf,
} from './s3-options.js';

export type S3Sdk = typeof import('@aws-sdk/client-s3');

export interface S3Access {
  readonly sdk: S3Sdk;
  readonly client: S3Client;
}

/** What a request is about, for messages. */
export interface S3Request {
  readonly operation: string;
  readonly object?: string;
  readonly signal?: AbortSignal;
}

export class S3Session {
  readonly idleTimeoutMs: number;
  readonly partSizeBytes: number;
  private access: Promise<S3Access> | undefined;
  private isClosed = false;
  /** An answer that only a bucket that exists can give was seen. */
  private isBucketThere = false;

  /** Throws DbError('CONFIG') for options that cannot work. */
  constructor(
    readonly bucket: string,
    private readonly options: S3Options,
    private readonly environment: Readonly<Record<string, string | undefined>>,
  ) {
    checkS3Options(options, environment);
    this.idleTimeoutMs = idleTimeoutMsOf(options);
    this.partSizeBytes = partSizeBytesOf(options);
  }

  /** Runs requests; whatever they throw comes out as a DbError, or as the reason of the signal when that was given. */
  async call<T>(store: string, request: S3Request, action: (access: S3Access) => Promise<T>): Promise<T> {
    request.signal?.throwIfAborted();
    try {
      const result = await action(await this.open());
      this.isBucketThere = true;
      return result;
    } catch (error) {
      request.signal?.throwIfAborted();
      throw await this.explain(store, request, error);
    }
  }

  /** The same, with undefined for an object that is not there. */
  async callIfThere<T>(
    store: string,
    request: S3Request,
    action: (access: S3Access) => Promise<T>,
  ): Promise<T | undefined> {
    return this.call(store, request, async (access) => {
      try {
        return await action(access);
      } catch (error) {
        if (!isNotFound(error)) throw error;
        if (!this.isBucketThere) await this.requireBucket(access);
        return undefined;
      }
    });
  }

  async explain(store: string, request: S3Request, error: unknown): Promise<DbError> {
    if (error instanceof DbError) return error;
    const { operation, object } = request;
    return translateS3Error(error, { operation, object, store, secrets: await this.secrets() });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    const { access } = this;
    this.access = undefined;
    (await access?.catch(() => undefined))?.client.destroy();
  }

  private open(): Promise<S3Access> {
    if (this.isClosed) {
      throw new DbError('BACKUP_STORE', `the store in bucket ${this.bucket} is closed`, { reason: 'closed' });
    }
    this.access ??= this.connect().catch((error: unknown) => {
      this.access = undefined;
      throw error;
    });
    return this.access;
  }

  private async connect(): Promise<S3Access> {
    // The SDK would tell whoever runs us, on standard error, which Node its versions of next year need.
    process.env['AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED'] ??= 'true';
    const sdk = await import('@aws-sdk/client-s3');
    const config = clientConfigOf(this.options, this.environment);
    const client = new sdk.S3Client(config);
    const region = await client.config.region().catch(() => undefined);
    if (region !== undefined) return { sdk, client };
    client.destroy();
    return { sdk, client: new sdk.S3Client({ ...config, region: REGION_DEFAULT }) };
  }

  /** Throws when there is no such bucket, for which HEAD says the same as for a missing object. */
  private async requireBucket({ sdk, client }: S3Access): Promise<void> {
    try {
      await client.send(new sdk.HeadBucketCommand({ Bucket: this.bucket }));
    } catch (error) {
      if (statusOf(error) === 404) {
        throw Object.assign(new Error(`no bucket ${this.bucket}`), {
          name: 'NoSuchBucket',
          $metadata: { httpStatusCode: 404 },
        });
      }
      // Credentials that may read objects only do not get an answer.
      if (statusOf(error) !== 403) throw error;
    }
  }

  private async secrets(): Promise<string[]> {
    const known = secretsOf(this.options, this.environment);
    try {
      // Those of ~/.aws and of roles: the SDK has them at hand once a request was signed.
      const { secretAccessKey, sessionToken } = await (await this.open()).client.config.credentials();
      return [...known, secretAccessKey, sessionToken ?? ''].filter((secret) => secret !== '');
    } catch {
      return known;
    }
  }
}
