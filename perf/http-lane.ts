/** One kept-alive HTTP connection with one request under way, for load generators: bytes out, status checked, bytes in. */
import { connect, type Socket } from 'node:net';

const READ_BYTES = 64 * 1024;
const HEAD_END = '\r\n\r\n';
/** Where the status stands in "HTTP/1.1 200 OK". */
const STATUS_START = 9;
const STATUS_END = 12;
const NOTHING = new Uint8Array(0);

export interface LaneHandlers {
  /** A whole answer is there: see `status` and `body`. */
  readonly onAnswer: (lane: HttpLane) => void;
  /** Broken connection, broken answer, or a status that nobody expects. */
  readonly onFault: (error: Error) => void;
  /** Statuses besides 2xx that are answers and not faults. None by default. */
  readonly isAllowed?: (status: number) => boolean;
}

export class HttpLane {
  /** When the request under way should have been sent. */
  intendedMs = 0;
  /** Of the last answer. */
  status = 0;
  private received = '';
  private bodyStart = 0;
  private request: Uint8Array = NOTHING;
  private isBusy = false;
  /** Undefined once the server has closed it for being idle, until the next request. */
  private socket: Socket | undefined;

  private constructor(
    private readonly port: number,
    onConnect: () => void,
    private readonly handlers: LaneHandlers,
  ) {
    this.socket = this.connect();
    this.socket.once('connect', onConnect);
  }

  private connect(): Socket {
    const { port, handlers } = this;
    // One buffer per connection, used again for every read: nothing is allocated for an answer but its text.
    const callback = (count: number, buffer: Uint8Array): boolean => {
      try {
        this.read((buffer as Buffer).toString('latin1', 0, count));
      } catch (error) {
        handlers.onFault(error as Error);
      }
      return true;
    };
    const socket = connect({
      port,
      host: '127.0.0.1',
      noDelay: true,
      onread: { buffer: Buffer.alloc(READ_BYTES), callback },
    });
    socket.on('error', handlers.onFault);
    socket.on('end', () => this.onEnd(socket));
    return socket;
  }

  /** Servers close connections that are idle for some seconds, and may do so in the moment in which a request is sent. */
  private onEnd(socket: Socket): void {
    socket.destroy();
    this.socket = undefined;
    if (this.received !== '') this.handlers.onFault(new Error('the server closed a connection'));
    else if (this.isBusy) this.sendAgain();
  }

  static open(port: number, handlers: LaneHandlers): Promise<HttpLane> {
    return new Promise((resolve, reject) => {
      const onFault = (error: Error): void => {
        reject(error);
        handlers.onFault(error);
      };
      const lane = new HttpLane(port, () => resolve(lane), { ...handlers, onFault });
    });
  }

  /** The bytes must not change before the answer is there. */
  send(request: Uint8Array, intendedMs: number): void {
    this.intendedMs = intendedMs;
    this.request = request;
    this.sendAgain();
  }

  /** The last request once more; `intendedMs` stays what it was. */
  sendAgain(): void {
    this.isBusy = true;
    this.socket ??= this.connect();
    this.socket.write(this.request);
  }

  /** Of the last answer, a character per byte; valid during onAnswer. */
  get body(): string {
    return this.received.slice(this.bodyStart);
  }

  get bodyLength(): number {
    return this.received.length - this.bodyStart;
  }

  close(): void {
    this.socket?.removeAllListeners('end');
    this.socket?.destroy();
  }

  private read(text: string): void {
    const received = this.received === '' ? text : this.received + text;
    this.received = received;
    const headEnd = received.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = received.slice(0, headEnd);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    if (length === null) throw new Error(`an answer without Content-Length: ${head}`);
    this.bodyStart = headEnd + HEAD_END.length;
    const missing = this.bodyStart + Number(length[1]) - received.length;
    if (missing > 0) return;
    this.status = Number(head.slice(STATUS_START, STATUS_END));
    const isExpected = head[STATUS_START] === '2' || this.handlers.isAllowed?.(this.status) === true;
    if (missing < 0 || !isExpected) throw new Error(`a wrong answer: ${received.slice(0, 1000)}`);
    this.isBusy = false;
    this.handlers.onAnswer(this);
    this.received = '';
  }
}
