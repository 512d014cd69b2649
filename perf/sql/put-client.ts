/** Durable PUTs of orders that are there, with the text that they have: nothing changes but that a write was made. */
import { HttpLane } from '../http-lane.js';
import { ORDERS, orderKey, orderText } from './data.js';

/** The bytes of a PUT that is acknowledged after fdatasync. */
export function putRequest(port: number, index: number, documents: number): Buffer {
  const body = orderText(index, documents);
  return Buffer.from(
    `PUT /api/v1/${ORDERS}/${orderKey(index)} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n` +
      `Content-Type: application/json\r\nX-LumaDB-Durability: always\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
}

export class PutClient {
  private settle: { resolve: (written: number) => void; reject: (error: Error) => void } | undefined;
  private lane: HttpLane | undefined;

  private constructor(
    private readonly port: number,
    private readonly documents: number,
  ) {}

  static async open(port: number, documents: number): Promise<PutClient> {
    const client = new PutClient(port, documents);
    client.lane = await HttpLane.open(port, {
      onAnswer: () => client.settle?.resolve(1),
      onFault: (error) => client.settle?.reject(error),
    });
    return client;
  }

  /** Gives the number of documents written. */
  put(index: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.settle = { resolve, reject };
      this.lane?.send(putRequest(this.port, index, this.documents), 0);
    });
  }

  close(): void {
    this.lane?.close();
  }
}
