/** SQL over one kept-alive HTTP connection to LumaDB, one statement under way at a time. */
import { HttpLane } from '../http-lane.js';
import type { LumaAnswer } from './answers.js';

const QUERY_MS_MAX = 3_600_000;

/** The bytes of a POST /api/v1/query. */
export function queryRequest(port: number, sql: string, params: readonly (string | number)[]): Buffer {
  const body = JSON.stringify({ query: sql, params, timeout_ms: QUERY_MS_MAX });
  return Buffer.from(
    `POST /api/v1/query HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

export class LumaClient {
  private settle: { resolve: (answer: LumaAnswer) => void; reject: (error: Error) => void } | undefined;
  private lane: HttpLane | undefined;

  private constructor(private readonly port: number) {}

  static async open(port: number): Promise<LumaClient> {
    const client = new LumaClient(port);
    await client.connect();
    return client;
  }

  async query(sql: string, params: readonly (string | number)[] = []): Promise<LumaAnswer> {
    const lane = this.lane ?? (await this.connect());
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      lane.send(queryRequest(this.port, sql, params), 0);
    });
  }

  close(): void {
    this.lane?.close();
  }

  private async connect(): Promise<HttpLane> {
    const lane = await HttpLane.open(this.port, {
      onAnswer: ({ body }) => {
        const { settle } = this;
        this.settle = undefined;
        settle?.resolve(JSON.parse(body) as LumaAnswer);
      },
      onFault: (error) => {
        // The server closes connections that are idle for long; the next statement opens another.
        this.lane = undefined;
        this.settle?.reject(error);
      },
    });
    this.lane = lane;
    return lane;
  }
}
