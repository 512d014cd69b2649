/**
 * One object on its way to S3: in one request when it is small, in parts otherwise, of which about four are in memory. When
 * anything fails, the parts that are there already are removed: they would be paid for and seen by nobody.
 */
import { Readable } from 'node:stream';
import type { Upload } from '@aws-sdk/lib-storage';
import { GuardedSource } from './guarded-source.js';
import type { S3Access, S3Session } from './s3-session.js';

const PARTS_AT_ONCE = 2;

export interface UploadTarget {
  readonly key: string;
  /** For messages. */
  readonly name: string;
  readonly store: string;
}

/** Returns the size. Rejects with what the source threw, with the reason of the signal, or with a DbError. */
export async function upload(
  session: S3Session,
  target: UploadTarget,
  source: AsyncIterable<Uint8Array>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const request = { operation: 'put', object: target.name, signal };
  // One signal for all that is going on: the first part that fails ends the others and the reading.
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const guarded = new GuardedSource(source, stop.signal);
  try {
    await session.call(target.store, request, (access) => send(session, access, target.key, guarded, stop));
    return guarded.sizeBytes;
  } catch (error) {
    signal?.throwIfAborted();
    if (guarded.failure !== undefined) throw guarded.failure.error;
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
  }
}

async function send(
  session: S3Session,
  access: S3Access,
  key: string,
  source: GuardedSource,
  stop: AbortController,
): Promise<void> {
  const { Upload } = await import('@aws-sdk/lib-storage');
  const body = Readable.from(copies(source, stop));
  const running = new Upload({
    client: stoppable(access, stop),
    params: {
      Bucket: session.bucket,
      Key: key,
      Body: body,
      // One checksum over the whole, which a reader can check; the default is one over those of the parts.
      ChecksumAlgorithm: 'CRC32',
      ChecksumType: 'FULL_OBJECT',
    },
    queueSize: PARTS_AT_ONCE,
    partSize: session.partSizeBytes,
  });
  try {
    await running.done();
  } catch (error) {
    // Of several failures the first one says why; those after it that the rest was stopped, or that parts are left.
    throw stop.signal.aborted ? stop.signal.reason : error;
  } finally {
    body.destroy();
  }
}

/** A chunk is ours until the next one is asked for, and Upload keeps several. */
async function* copies(
  source: AsyncIterable<Uint8Array>,
  stop: AbortController,
): AsyncGenerator<Buffer, void, undefined> {
  try {
    for await (const chunk of source) yield Buffer.from(chunk);
  } catch (error) {
    if (!stop.signal.aborted) stop.abort(error);
    throw error;
  }
}

/** The client as Upload sees it: by itself, Upload cannot stop a request that is going on. */
function stoppable({ sdk, client }: S3Access, stop: AbortController): S3Client {
  const send = async (command: Parameters<S3Client['send']>[0]): Promise<unknown> => {
    // Parts have to go when all else has stopped; and once the server was told to put them together, it does that whether
    // we wait for it or not.
    const isLast =
      command instanceof sdk.AbortMultipartUploadCommand ||
      command instanceof sdk.CompleteMultipartUploadCommand;
    try {
      return await client.send(command, isLast ? {} : { abortSignal: stop.signal });
    } catch (error) {
      if (!stop.signal.aborted) stop.abort(error);
      throw error;
    }
  };
  return { config: client.config, send } as S3Client;
}

/** What Upload takes for a client. */
type S3Client = ConstructorParameters<typeof Upload>[0]['client'];
