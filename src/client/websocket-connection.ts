/**
 * One WebSocket connection to a server (RFC 6455, client side) over node:net: Node 20 has no client of its own. Owns the
 * socket, the handshake, ping and pong, and the closing handshake; frames are taken apart in websocket-receiver.ts.
 * Carries opaque messages: what they mean is not known here.
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { connectionError, type LumaDbError, timeoutError } from './error.js';
import { CloseCode, closePayload, encodeFrame, MaskingKeys, Opcode } from './websocket-frame.js';
import {
  createHandshakeKey,
  handshakeRequest,
  parseWebSocketUrl,
  readHandshakeAnswer,
  type WebSocketTarget,
} from './websocket-handshake.js';
import { type ReceiveHandler, WebSocketReceiver } from './websocket-receiver.js';

/** Pongs are left out while more than this waits to be sent: a flood of pings must not fill our memory. */
const PONG_BACKLOG_MAX = 1024 * 1024;
const NO_BYTES = new Uint8Array(0);

export interface WebSocketConnectionOptions {
  readonly url: string;
  readonly token?: string;
  /** Limit of connecting with the handshake. */
  readonly connectTimeoutMs: number;
  /** Limit of the closing handshake. */
  readonly closeTimeoutMs: number;
  /** Largest message that is accepted. */
  readonly messageBytesMax: number;
  /** After this long without a byte from the server a ping is sent; after as long again the connection is dead. */
  readonly heartbeatMs: number;
}

export interface WebSocketHandler {
  /** The bytes may be kept. */
  onBinary(bytes: Uint8Array): void;
  onText(text: string): void;
  /** The socket's buffer has emptied after `isCongested` was true. */
  onDrain(): void;
  /** Exactly once. The error tells why a connection that nobody closed ended. */
  onClose(code: number, error: LumaDbError | undefined): void;
}

export class WebSocketConnection implements ReceiveHandler {
  private readonly receiver: WebSocketReceiver;
  private readonly keys = new MaskingKeys();
  private readonly heartbeat: NodeJS.Timeout;
  private closeTimer: NodeJS.Timeout | undefined;
  private isHeard = true;
  private isPinged = false;
  private isCloseSent = false;
  /** The peer broke the rules: what it still sends is not looked at. */
  private isFailed = false;
  private isEnded = false;
  private closeCode: number = CloseCode.Abnormal;
  private failure: LumaDbError | undefined;
  private readonly ended: Promise<void>;
  private resolveEnded: () => void = () => {};

  private constructor(
    private readonly socket: Socket,
    private readonly options: WebSocketConnectionOptions,
    private readonly handler: WebSocketHandler,
  ) {
    this.receiver = new WebSocketReceiver(this, options.messageBytesMax);
    this.ended = new Promise((resolve) => {
      this.resolveEnded = resolve;
    });
    this.heartbeat = setInterval(() => this.beat(), options.heartbeatMs);
    this.heartbeat.unref();
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('drain', () => this.handler.onDrain());
    socket.on('error', (error) => {
      this.failure ??= connectionError(`the connection broke: ${errorCode(error)}`, error);
    });
    socket.on('close', () => this.end());
    if (socket.destroyed) queueMicrotask(() => this.end());
    // Flows from the next tick on, when the caller has this connection in hand.
    socket.resume();
  }

  /** Connects and shakes hands. The handler hears nothing when this rejects. */
  static async open(
    options: WebSocketConnectionOptions,
    handler: WebSocketHandler,
  ): Promise<WebSocketConnection> {
    const target = parseWebSocketUrl(options.url);
    return new WebSocketConnection(await shakeHands(target, options), options, handler);
  }

  /** True while the socket holds more than its high-water mark: senders should wait for onDrain. */
  get isCongested(): boolean {
    return this.socket.writableNeedDrain;
  }

  get isOpen(): boolean {
    return !this.isEnded && !this.isCloseSent;
  }

  /** Sends a message; the payload is copied. Ignored once the connection is closing. */
  sendBinary(payload: Uint8Array): void {
    this.send(Opcode.Binary, payload);
  }

  sendText(text: string): void {
    this.send(Opcode.Text, Buffer.from(text, 'utf8'));
  }

  /** Closes with a handshake; resolves when the socket is closed, which takes at most closeTimeoutMs. */
  close(code: number = CloseCode.Normal, reason = ''): Promise<void> {
    this.startClose(code, reason);
    return this.ended;
  }

  /** Ends the connection because the peer did what it must not; the error reaches onClose. */
  fail(closeCode: number, error: LumaDbError): void {
    this.failure ??= error;
    this.isFailed = true;
    this.startClose(closeCode, error.message);
    // Goes on reading and drops what comes: closing a socket with unread bytes would reset the connection, and the
    // peer might never see why.
    this.socket.end();
  }

  onBinary(bytes: Uint8Array): void {
    if (this.isOpen) this.handler.onBinary(bytes);
  }

  onText(text: string): void {
    if (this.isOpen) this.handler.onText(text);
  }

  onPing(payload: Uint8Array): void {
    if (this.socket.writableLength < PONG_BACKLOG_MAX) this.send(Opcode.Pong, payload);
  }

  onPong(): void {
    // Any byte of the server counts as a sign of life: see receive().
  }

  onClose(code: number, reason: string): void {
    this.closeCode = code;
    if (!this.isCloseSent) {
      this.failure ??= connectionError(
        `the server closed the connection (${code}${reason && `: ${reason}`})`,
      );
    }
    this.startClose(code, '');
    // The server closes TCP first (RFC 6455, section 7.1.1); our half may end at once.
    this.socket.end();
  }

  private send(opcode: Opcode, payload: Uint8Array): void {
    if (this.isCloseSent || this.isEnded) return;
    this.socket.write(encodeFrame(opcode, payload, this.keys.draw()));
  }

  private startClose(code: number, reason: string): void {
    if (this.isEnded) return;
    this.send(Opcode.Close, closePayload(code, reason));
    this.isCloseSent = true;
    this.closeTimer ??= setTimeout(() => this.socket.destroy(), this.options.closeTimeoutMs);
  }

  private receive(chunk: Buffer): void {
    if (this.isEnded || this.isFailed) return;
    this.isHeard = true;
    const fault = this.receiver.push(chunk);
    if (fault === undefined) return;
    this.fail(fault.closeCode, connectionError(`the server broke the WebSocket protocol: ${fault.reason}`));
  }

  private beat(): void {
    if (this.isHeard) {
      this.isHeard = false;
      this.isPinged = false;
      return;
    }
    if (!this.isPinged) {
      this.isPinged = true;
      this.send(Opcode.Ping, NO_BYTES);
      return;
    }
    // When our own event loop was stuck, the answer lies unread in the socket: look once more before judging.
    setImmediate(() => {
      if (this.isHeard || this.isEnded) return;
      this.failure ??= connectionError(`nothing came from the server for ${2 * this.options.heartbeatMs} ms`);
      this.socket.destroy();
    });
  }

  private end(): void {
    if (this.isEnded) return;
    this.isEnded = true;
    clearInterval(this.heartbeat);
    clearTimeout(this.closeTimer);
    const isAsked = this.isCloseSent && this.failure === undefined;
    const error = isAsked ? undefined : (this.failure ?? connectionError('the server closed the connection'));
    this.resolveEnded();
    this.handler.onClose(this.closeCode, error);
  }
}

function errorCode(error: Error): string {
  return (error as NodeJS.ErrnoException).code ?? error.message;
}

function openSocket(target: WebSocketTarget): Socket {
  const { host, port } = target;
  const socket = target.isTls ? connectTls({ host, port, servername: host }) : connectTcp({ host, port });
  return socket.setNoDelay(true);
}

/** The connected socket: paused, without listeners, and with what came behind the handshake still to be read. */
function shakeHands(target: WebSocketTarget, options: WebSocketConnectionOptions): Promise<Socket> {
  const key = createHandshakeKey();
  const request = handshakeRequest(target, key, options.token);
  return new Promise((resolve, reject) => {
    const socket = openSocket(target);
    let received: Buffer = Buffer.alloc(0);
    const stop = (): void => {
      clearTimeout(timer);
      socket.removeAllListeners('data');
      socket.removeAllListeners('error');
      socket.removeAllListeners('close');
      // An error between two owners, or of an abandoned socket, must find a listener.
      socket.on('error', () => {});
    };
    const fail = (error: LumaDbError): void => {
      stop();
      socket.destroy();
      reject(error);
    };
    const { connectTimeoutMs } = options;
    const timer = setTimeout(
      () => fail(timeoutError('connecting to the server', connectTimeoutMs)),
      connectTimeoutMs,
    );
    socket.on('error', (error) => {
      fail(connectionError(`cannot reach ${target.authority}: ${errorCode(error)}`, error));
    });
    socket.on('close', () => fail(connectionError('the server closed the connection in the handshake')));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      const answer = readHandshakeAnswer(received, key);
      if (answer.kind === 'refused') fail(answer.error);
      if (answer.kind !== 'accepted') return;
      stop();
      socket.pause();
      if (answer.headBytes < received.length) socket.unshift(received.subarray(answer.headBytes));
      resolve(socket);
    });
    socket.write(request);
  });
}
