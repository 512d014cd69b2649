/**
 * How an S3 server is reached, and with what: options first, then what the SDK finds for itself (AWS_* variables,
 * ~/.aws, the role of the machine). Decides only; s3-session.ts makes the client.
 */
import type { S3ClientConfig } from '@aws-sdk/client-s3';
import { DbError } from '../../base/errors.js';

export interface S3Options {
  /** `https://host:port` of a server other than Amazon's. Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, or Amazon. */
  readonly endpoint?: string;
  /** Default: AWS_REGION, ~/.aws/config, or us-east-1. */
  readonly region?: string;
  /** `https://host/bucket/key` instead of `https://bucket.host/key`. Default: true with an endpoint, as most servers want it. */
  readonly forcePathStyle?: boolean;
  readonly credentials?: S3Credentials;
  /** Of each request, with growing pauses between them. */
  readonly maxAttempts?: number;
  readonly connectTimeoutMs?: number;
  /** A connection that carries nothing for so long is given up; the attempt has failed. */
  readonly idleTimeoutMs?: number;
  /** Larger objects are sent in parts of this size, two at a time; 10 000 of them are the largest object. */
  readonly partSizeBytes?: number;
}

export interface S3Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

type Environment = Readonly<Record<string, string | undefined>>;

const MIB = 1024 * 1024;
const ATTEMPTS_DEFAULT = 6;
const CONNECT_TIMEOUT_MS_DEFAULT = 10_000;
const IDLE_TIMEOUT_MS_DEFAULT = 60_000;
const PART_SIZE_BYTES_DEFAULT = 8 * MIB;
/** S3 takes no smaller part but the last. */
const PART_SIZE_BYTES_MIN = 5 * MIB;
/** Four of them are in memory while an object is sent. */
const PART_SIZE_BYTES_MAX = 64 * MIB;
/** Where clouds keep the credentials of their machines; no S3 server is there. */
const LINK_LOCAL = /^(169\.254\.|\[fe[89ab]|\[fd00:ec2:|\[::ffff:a9fe:)/i;

export const REGION_DEFAULT = 'us-east-1';

/** Throws DbError('CONFIG') for options that cannot work. */
export function checkS3Options(options: S3Options, environment: Environment): void {
  const endpoint = customEndpoint(options, environment);
  if (endpoint !== undefined) checkEndpoint(endpoint);
  const { credentials, partSizeBytes = PART_SIZE_BYTES_DEFAULT } = options;
  if (credentials !== undefined && (credentials.accessKeyId === '' || credentials.secretAccessKey === '')) {
    throw invalid('the access key or its secret is empty');
  }
  if (partSizeBytes < PART_SIZE_BYTES_MIN || partSizeBytes > PART_SIZE_BYTES_MAX) {
    throw invalid(`parts have ${PART_SIZE_BYTES_MIN} to ${PART_SIZE_BYTES_MAX} bytes, not ${partSizeBytes}`);
  }
  for (const value of [options.maxAttempts, options.connectTimeoutMs, options.idleTimeoutMs]) {
    if (value !== undefined && !(value > 0)) throw invalid('attempts and timeouts are positive');
  }
}

export function clientConfigOf(options: S3Options, environment: Environment): S3ClientConfig {
  const config: S3ClientConfig = {
    maxAttempts: options.maxAttempts ?? ATTEMPTS_DEFAULT,
    retryMode: 'standard',
    forcePathStyle: options.forcePathStyle ?? customEndpoint(options, environment) !== undefined,
    followRegionRedirects: true,
    // With it, every part would go over a connection of its own.
    expectContinueHeader: false,
    requestHandler: {
      connectionTimeout: options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS_DEFAULT,
      socketTimeout: options.idleTimeoutMs ?? IDLE_TIMEOUT_MS_DEFAULT,
    },
    logger: SILENT,
  };
  if (options.endpoint !== undefined) config.endpoint = options.endpoint;
  if (options.region !== undefined) config.region = options.region;
  if (options.credentials !== undefined) config.credentials = options.credentials;
  return config;
}

export function idleTimeoutMsOf(options: S3Options): number {
  return options.idleTimeoutMs ?? IDLE_TIMEOUT_MS_DEFAULT;
}

export function partSizeBytesOf(options: S3Options): number {
  return options.partSizeBytes ?? PART_SIZE_BYTES_DEFAULT;
}

/** Texts that no message may hold, as far as they can be known without asking the SDK. */
export function secretsOf(options: S3Options, environment: Environment): string[] {
  const secrets = [
    options.credentials?.secretAccessKey,
    options.credentials?.sessionToken,
    environment['AWS_SECRET_ACCESS_KEY'],
    environment['AWS_SESSION_TOKEN'],
  ];
  return secrets.filter((secret) => secret !== undefined && secret !== '').map(String);
}

function customEndpoint(options: S3Options, environment: Environment): string | undefined {
  // An empty variable is none, for the SDK too.
  return (
    options.endpoint ?? (environment['AWS_ENDPOINT_URL_S3'] || environment['AWS_ENDPOINT_URL'] || undefined)
  );
}

function checkEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined;
  // Never shown: it may hold a password, also where it cannot be parsed.
  if (url === undefined) throw invalid('the endpoint is no URL');
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw invalid('the endpoint does not begin with http:// or https://');
  }
  if (url.username !== '' || url.password !== '') throw invalid('the endpoint contains a user or password');
  if (url.search !== '' || url.hash !== '') throw invalid("the endpoint contains '?' or '#'");
  if (LINK_LOCAL.test(url.hostname)) throw invalid(`the endpoint ${url.hostname} is a link-local address`);
}

function invalid(problem: string): DbError {
  return new DbError('CONFIG', `S3 cannot be reached like this: ${problem}`);
}

const silent = (): void => undefined;
/** The SDK warns on the console of things that end as errors here. */
const SILENT = { trace: silent, debug: silent, info: silent, warn: silent, error: silent };
