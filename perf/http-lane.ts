/** One kept-alive HTTP connection with one request under way, for load generators: bytes out, status checked, bytes in. */
import { connect, type Socket } from 'node:net';

const READ_BYTES = 64 * 1024;
const HEAD_END = '\r\n\r\n';
/** Where the first digit of the status stands in "HTTP/1.1 200 OK". */
const STATUS_AT = 9;

export class HttpLane {
  /** When the request under way should have been sent. */
  intendedMs = 0;
  private received = '';
  private readonly socket: Socket;

  private constructor(
    port: number,
    onConnect: () => void,
    private readonly onAnswer: (lane: HttpLane) => void,
    onFault: (error: Error) => void,
  ) {
    // One buffer per connection, used again for every read: nothing is allocated for an answer but its text.
    const callback = (count: number, buffer: Uint8Array): boolean => {
      try {
        this.read((buffer as Buffer).toString('latin1', 0, count));
      } catch (error) {
        onFault(error as Error);
      }
      return true;
    };
    this.socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: Buffer.alloc(READ_BYTES), callback },
    });
    this.socket.once('connect', onConnect);
    this.socket.on('error', onFault);
    this.socket.on('end', () => onFault(new Error('the server closed a connection')));
  }

  static open(
    port: number,
    onAnswer: (lane: HttpLane) => void,
    onFault: (error: Error) => void,
  ): Promise<HttpLane> {
    return new Promise((resolve, reject) => {
      const fault = (error: Error): void => {
        reject(error);
        onFault(error);
      };
      const lane = new HttpLane(port, () => resolve(lane), onAnswer, fault);
    });
  }

  send(request: Uint8Array, intendedMs: number): void {
    this.intendedMs = intendedMs;
    this.socket.write(request);
  }

  close(): void {
    this.socket.removeAllListeners('end');
    this.socket.destroy();
  }

  private read(text: string): void {
    const received = this.received === '' ? text : this.received + text;
    this.received = received;
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.slice(0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) throw new Error(`an answer without Content-Length: ${head}`);
    const missing = headEnd + HEAD_END.length + Number(length[1]) - received.length;
    if (missing > 0) return;
    if (missing < 0 || head[STATUS_AT] !== '2') throw new Error(`a wrong answer: ${received.slice(0, 1000)}`);
    this.received = '';
    this.onAnswer(this);
  }
}
