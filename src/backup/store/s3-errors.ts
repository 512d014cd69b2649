/**
 * What the SDK throws, as a DbError: which code it has, what to do about it, and nothing in it that is secret. The SDK's
 * error itself is not kept as a cause: it holds the request with its headers. Pure functions.
 */
import { DbError, type DbErrorCode } from '../../base/errors.js';
import { HIDDEN } from '../../base/secret-names.js';
import { quoted } from './names.js';

/** The parts of an SDK error that count here. */
interface SdkError {
  readonly name?: unknown;
  readonly Code?: unknown;
  readonly code?: unknown;
  readonly message?: unknown;
  readonly $metadata?: {
    readonly httpStatusCode?: number;
    readonly attempts?: number;
    readonly requestId?: string;
  };
}

export interface S3Failure {
  readonly operation: string;
  /** Name of the object or prefix; undefined when it is about the store as a whole. */
  readonly object?: string;
  readonly store: string;
  readonly secrets: readonly string[];
}

const MESSAGE_CHARACTERS_MAX = 300;
/** Refused requests that may be granted when they are made again. */
const RETRYABLE_STATUS: readonly number[] = [408, 409, 412, 416, 425, 429];
const RETRYABLE_REASONS: readonly string[] = [
  'BadDigest',
  'IncompleteBody',
  'RequestTimeout',
  'SlowDown',
  'XAmzContentSHA256Mismatch',
  'XAmzContentChecksumMismatch',
];
const HINTS: Readonly<Record<string, string>> = {
  NoSuchBucket: 'the bucket does not exist, or not at this endpoint',
  AccessDenied: 'these credentials may not do that',
  InvalidAccessKeyId: 'the access key is not known there',
  SignatureDoesNotMatch: 'the secret access key is wrong',
  ExpiredToken: 'the session token has expired',
  RequestTimeTooSkewed: 'the clock of this machine is wrong',
  CredentialsProviderError: 'no credentials were found: in the configuration, in AWS_* or in ~/.aws',
  PermanentRedirect: 'the bucket is in another region or at another endpoint',
  SlowDown: 'the server asks for fewer requests',
  TimeoutError: 'no answer in time',
  ECONNREFUSED: 'nothing listens at the endpoint',
  ENOTFOUND: 'the name of the endpoint is not known',
  ECONNRESET: 'the connection was cut',
};

export function translateS3Error(error: unknown, failure: S3Failure): DbError {
  if (error instanceof DbError) return error;
  const { operation, object, store } = failure;
  const reason = withoutTexts(reasonOf(error), failure.secrets);
  const { httpStatusCode: status, attempts, requestId } = (error as SdkError)?.$metadata ?? {};
  const what = object === undefined ? store : `${quoted(object)} in ${store}`;
  const facts = [
    status === undefined ? undefined : `status ${status}`,
    attempts === undefined || attempts < 2 ? undefined : `after ${attempts} attempts`,
    requestId === undefined ? undefined : `request ${requestId}`,
  ].filter((fact) => fact !== undefined);
  const said = messageOf(error, reason, failure.secrets);
  const why = [reason, HINTS[reason], said].filter((part) => part !== undefined && part !== '').join('; ');
  const text = `${operation} of ${what} failed: ${why}`;
  return new DbError(
    codeOf(reason, status),
    facts.length === 0 ? text : `${text} (${facts.join(', ')})`,
    withoutUndefined({ operation, object, store, reason, status, attempts }),
  );
}

/** 404 for an object or a bucket: a HEAD has no body that would say which. */
export function isNotFound(error: unknown): boolean {
  const reason = reasonOf(error);
  return (
    reason === 'NoSuchKey' ||
    reason === 'NotFound' ||
    (statusOf(error) === 404 && !['NoSuchBucket', 'NoSuchUpload'].includes(reason))
  );
}

export function statusOf(error: unknown): number | undefined {
  return (error as SdkError)?.$metadata?.httpStatusCode;
}

function codeOf(reason: string, status: number | undefined): DbErrorCode {
  if (reason === 'CredentialsProviderError') return 'BACKUP_STORE_DENIED';
  if (RETRYABLE_REASONS.includes(reason) || status === undefined) return 'BACKUP_STORE';
  const isRefused = status >= 300 && status < 500 && !RETRYABLE_STATUS.includes(status);
  return isRefused ? 'BACKUP_STORE_DENIED' : 'BACKUP_STORE';
}

/** The most telling word: the server's code, the errno of a connection, or the name of the class. */
function reasonOf(error: unknown): string {
  const { name, Code, code } = (error ?? {}) as SdkError;
  if (name === 'TimeoutError' && code !== 'ECONNREFUSED' && code !== 'ECONNRESET') return 'TimeoutError';
  for (const word of [Code, code, name]) {
    if (typeof word === 'string' && /^[A-Za-z][A-Za-z0-9_.]*$/.test(word) && word !== 'Error') return word;
  }
  const status = statusOf(error);
  return status === undefined ? 'unknown failure' : `HTTP ${status}`;
}

function messageOf(error: unknown, reason: string, secrets: readonly string[]): string | undefined {
  const message = (error as SdkError)?.message;
  if (typeof message !== 'string' || message === reason || message === 'UnknownError') return undefined;
  // Before it is cut: half a secret would not be found.
  const line = withoutTexts(message, secrets).replace(/\s+/g, ' ').trim().toWellFormed();
  return line.length > MESSAGE_CHARACTERS_MAX ? `${line.slice(0, MESSAGE_CHARACTERS_MAX)}…` : line;
}

function withoutTexts(text: string, secrets: readonly string[]): string {
  return secrets.reduce((result, secret) => result.replaceAll(secret, HIDDEN), text);
}

function withoutUndefined(
  details: Readonly<Record<string, string | number | undefined>>,
): Record<string, string | number> {
  return Object.fromEntries(
    Object.entries(details).filter((entry): entry is [string, string | number] => entry[1] !== undefined),
  );
}
