/** A WebSocket client of a few lines that can misbehave: frames are made by hand and nothing is checked. */
import { randomBytes } from 'node:crypto';
import { RawConnection } from './http.js';

export interface ReceivedFrame {
  readonly opcode: number;
  readonly payload: Buffer;
}

export const OPCODE_TEXT = 1;
export const OPCODE_BINARY = 2;
export const OPCODE_CLOSE = 8;

/** A masked client frame. */
export function encodeFrame(opcode: number, payload: Uint8Array): Buffer {
  const { length } = payload;
  const head = length < 126 ? Buffer.alloc(2) : Buffer.alloc(length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  // The mask is zero: allowed, and the payload stays as it is.
  return Buffer.concat([head, Buffer.alloc(4), payload]);
}

export class RawWebSocket {
  private parsedTo: number;

  private constructor(
    readonly connection: RawConnection,
    headEnd: number,
  ) {
    this.parsedTo = headEnd;
  }

  /** Rejects when the server refuses the upgrade. */
  static async open(port: number, headers = ''): Promise<RawWebSocket> {
    const connection = await RawConnection.open(port);
    connection.send(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\n${headers}\r\n`,
    );
    const headEnd = await connection.wait((received) => {
      const end = received.indexOf('\r\n\r\n');
      return end < 0 ? undefined : end + 4;
    });
    const head = connection.received.toString('latin1', 0, headEnd);
    if (!head.startsWith('HTTP/1.1 101 ')) {
      connection.destroy();
      throw new Error(head);
    }
    return new RawWebSocket(connection, headEnd);
  }

  sendText(text: string): void {
    this.connection.send(encodeFrame(OPCODE_TEXT, Buffer.from(text)));
  }

  sendBinary(bytes: Uint8Array): void {
    this.connection.send(encodeFrame(OPCODE_BINARY, bytes));
  }

  /** The next frame of the server. */
  async next(timeoutMs?: number): Promise<ReceivedFrame> {
    return this.connection.wait((received) => this.parse(received), timeoutMs);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests pick answers apart in many ways
  async nextJson(): Promise<any> {
    const { opcode, payload } = await this.next();
    if (opcode !== OPCODE_TEXT) throw new Error(`a frame with opcode ${opcode}: ${payload}`);
    return JSON.parse(payload.toString());
  }

  /** Sends one request and takes the next frame as its answer. */
  // biome-ignore lint/suspicious/noExplicitAny: tests pick answers apart in many ways
  async call(request: unknown): Promise<any> {
    this.sendText(typeof request === 'string' ? request : JSON.stringify(request));
    return this.nextJson();
  }

  /** Code and reason of the close frame that comes next. */
  async nextClose(): Promise<{ code: number; reason: string }> {
    const { opcode, payload } = await this.next();
    if (opcode !== OPCODE_CLOSE) throw new Error(`expected a close frame, got opcode ${opcode}: ${payload}`);
    return { code: payload.readUInt16BE(0), reason: payload.toString('utf8', 2) };
  }

  destroy(): void {
    this.connection.destroy();
  }

  private parse(received: Buffer): ReceivedFrame | undefined {
    const at = this.parsedTo;
    if (received.length < at + 2) return undefined;
    const short = received[at + 1];
    const headLength = short < 126 ? 2 : short === 126 ? 4 : 10;
    if (received.length < at + headLength) return undefined;
    const length =
      short < 126
        ? short
        : short === 126
          ? received.readUInt16BE(at + 2)
          : Number(received.readBigUInt64BE(at + 2));
    if (received.length < at + headLength + length) return undefined;
    this.parsedTo = at + headLength + length;
    return {
      opcode: received[at] & 0x0f,
      payload: received.subarray(at + headLength, this.parsedTo),
    };
  }
}
