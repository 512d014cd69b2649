/**
 * Stands between a client and an S3 server, and does to single requests what networks and busy servers do. Without a fault
 * it passes everything on, and adds what Amazon does and fauxqs does not: it checks the checksum of what comes, and
 * declares the one of what goes.
 */
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { crc32 } from 'node:zlib';

export type Fault =
  /** An error in S3's own form. */
  | { readonly kind: 'answer'; readonly status: number; readonly code: string; readonly message?: string }
  /** The connection ends after so many bytes of the body. */
  | { readonly kind: 'cut'; readonly afterBytes: number }
  /** Nothing more comes after so many bytes of the body; without a number, no answer at all. */
  | { readonly kind: 'hang'; readonly afterBytes?: number }
  /** One bit of the body that goes to the client is another one. */
  | { readonly kind: 'damageResponse' }
  /** One bit of the body that comes from the client is another one. */
  | { readonly kind: 'damageRequest' }
  /** Something else has to happen first. */
  | { readonly kind: 'wait'; readonly until: Promise<void> };

export interface SeenRequest {
  /** With the query, in which S3 says what it is about. */
  readonly url: string;
  readonly method: string;
  readonly range: string | undefined;
  readonly ifMatch: string | undefined;
}

export class FaultyS3Proxy {
  readonly seen: SeenRequest[] = [];
  /** Asked for every request. */
  fault: (seen: SeenRequest) => Fault | undefined = () => undefined;
  private readonly server: Server;

  private constructor(
    private readonly upstreamPort: number,
    private readonly addsChecksums: boolean,
  ) {
    this.server = createServer((incoming, outgoing) => {
      this.serve(incoming, outgoing).catch(() => outgoing.destroy());
    });
  }

  /** `addsChecksums`: false in front of a server that is to be seen as it is. */
  static async start(upstreamPort: number, { addsChecksums = true } = {}): Promise<FaultyS3Proxy> {
    const proxy = new FaultyS3Proxy(upstreamPort, addsChecksums);
    await new Promise<void>((resolve) => proxy.server.listen(0, '127.0.0.1', resolve));
    return proxy;
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  /** The first `count` requests that match have the fault. */
  failFirst(count: number, matches: (seen: SeenRequest) => boolean, fault: Fault): void {
    let left = count;
    this.fault = (seen) => {
      if (left === 0 || !matches(seen)) return undefined;
      left -= 1;
      return fault;
    };
  }

  count(matches: (seen: SeenRequest) => boolean): number {
    return this.seen.filter(matches).length;
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async serve(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const seen = seenOf(incoming);
    this.seen.push(seen);
    const fault = this.fault(seen);
    const body = await bodyOf(incoming);
    if (fault?.kind === 'answer') return answer(outgoing, fault.status, fault.code, fault.message);
    if (fault?.kind === 'hang' && fault.afterBytes === undefined) return;
    if (fault?.kind === 'wait') await fault.until;
    if (fault?.kind === 'damageRequest') flip(body);
    const declared = incoming.headers['x-amz-checksum-crc32'];
    if (this.addsChecksums && declared !== undefined && declared !== checksumOf(body)) {
      return answer(outgoing, 400, 'BadDigest', 'The checksum you specified did not match what we received.');
    }
    const response = await this.forward(incoming, body);
    const content = await bodyOf(response);
    const headers = { ...response.headers };
    const isAsked = incoming.headers['x-amz-checksum-mode'] === 'ENABLED' && response.statusCode === 200;
    if (this.addsChecksums && isAsked) {
      headers['x-amz-checksum-crc32'] = checksumOf(content);
    }
    if (fault?.kind === 'damageResponse') flip(content);
    outgoing.writeHead(response.statusCode ?? 502, headers);
    if (fault?.kind !== 'cut' && fault?.kind !== 'hang') {
      outgoing.end(content);
      return;
    }
    outgoing.write(content.subarray(0, fault.afterBytes), () => {
      // A little later, so that what was written is on its way before the connection is gone.
      if (fault.kind === 'cut') setTimeout(() => outgoing.destroy(), 20);
    });
  }

  private forward(incoming: IncomingMessage, body: Buffer): Promise<IncomingMessage> {
    const { method, url, headers } = incoming;
    const options = { host: '127.0.0.1', port: this.upstreamPort, method, path: url, headers, agent: false };
    return new Promise((resolve, reject) => {
      request(options, resolve).on('error', reject).end(body);
    });
  }
}

function seenOf({ url = '', method = '', headers }: IncomingMessage): SeenRequest {
  return { url, method, range: headers.range, ifMatch: headers['if-match'] };
}

async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function answer(outgoing: ServerResponse, status: number, code: string, message = code): void {
  outgoing.writeHead(status, { 'content-type': 'application/xml' });
  outgoing.end(
    `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>${message}</Message></Error>`,
  );
}

function checksumOf(bytes: Buffer): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(bytes));
  return sum.toString('base64');
}

function flip(bytes: Buffer): void {
  if (bytes.length > 0) bytes[bytes.length >> 1] ^= 1;
}
