/**
 * Takes the bytes of a server apart into messages (RFC 6455, sections 5.4 to 5.6, 8.1). Knows no socket. Hostile input
 * ends in a ReceiveFault; memory grows with the bytes that came, not with the length that a header claims.
 */
import {
  CloseCode,
  CONTROL_PAYLOAD_MAX,
  FIN_BIT,
  isValidCloseCode,
  LENGTH_16,
  LENGTH_64,
  LENGTH_BITS,
  MASK_BIT,
  OPCODE_BITS,
  Opcode,
  RSV_BITS,
} from './websocket-frame.js';

/** Why the connection must be failed; `closeCode` goes into our Close frame. */
export interface ReceiveFault {
  readonly closeCode: number;
  readonly reason: string;
}

export interface ReceiveHandler {
  /** `bytes` starts at a multiple of 8 in memory that belongs to the message alone: it may be kept. */
  onBinary(bytes: Uint8Array): void;
  onText(text: string): void;
  onPing(payload: Uint8Array): void;
  onPong(payload: Uint8Array): void;
  /** After this nothing more is delivered. */
  onClose(code: number, reason: string): void;
}

const HEADER_BYTES_MAX = 10;
/** A message's memory starts with at most this much, and doubles as its bytes arrive. */
const FIRST_ALLOCATION_MAX = 1024 * 1024;
const NO_BYTES = Buffer.alloc(0);

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class WebSocketReceiver {
  private readonly header = Buffer.alloc(HEADER_BYTES_MAX);
  private headerLength = 0;
  private headerNeeded = 2;
  /** The frame whose payload is being read; `remaining` is what is still to come of it. */
  private isInPayload = false;
  private opcode: number = Opcode.Continuation;
  private isFinal = false;
  private remaining = 0;
  /** The message under way: opcode of its first frame, and its payload so far. */
  private messageOpcode: number = Opcode.Continuation;
  private message: Buffer = NO_BYTES;
  private messageLength = 0;
  private control: Buffer = NO_BYTES;
  private controlLength = 0;
  private isClosed = false;

  constructor(
    private readonly handler: ReceiveHandler,
    private readonly messageBytesMax: number,
  ) {}

  /** Delivers every message that `chunk` completes. After a fault, push() must not be called again. */
  push(chunk: Uint8Array): ReceiveFault | undefined {
    let at = 0;
    while (!this.isClosed) {
      if (!this.isInPayload) {
        while (this.headerLength < this.headerNeeded && at < chunk.length) {
          this.header[this.headerLength++] = chunk[at++];
        }
        if (this.headerLength < this.headerNeeded) return undefined;
        const fault = this.readHeader(chunk.length - at);
        if (fault !== undefined) return fault;
        if (!this.isInPayload) continue;
      }
      const count = Math.min(this.remaining, chunk.length - at);
      this.takePayload(chunk, at, count);
      at += count;
      if (this.remaining > 0) return undefined;
      const fault = this.finishFrame();
      if (fault !== undefined) return fault;
    }
    return undefined;
  }

  /** Reads what there is of the header; asks for more bytes or starts the payload. */
  private readHeader(available: number): ReceiveFault | undefined {
    const shortLength = this.header[1] & LENGTH_BITS;
    if (this.headerNeeded === 2) {
      const fault = this.checkFirstBytes(shortLength);
      if (fault !== undefined) return fault;
      if (shortLength === LENGTH_16) this.headerNeeded = 4;
      if (shortLength === LENGTH_64) this.headerNeeded = HEADER_BYTES_MAX;
      if (this.headerNeeded > 2) return undefined;
    }
    let length = shortLength;
    if (shortLength === LENGTH_16) {
      length = this.header.readUInt16BE(2);
      if (length < LENGTH_16) return protocolError('a length is not in its shortest form');
    } else if (shortLength === LENGTH_64) {
      length = this.header.readUInt32BE(2) * 0x1_0000_0000 + this.header.readUInt32BE(6);
      if (length <= 0xffff) return protocolError('a length is not in its shortest form');
    }
    return this.beginPayload(length, available);
  }

  private checkFirstBytes(shortLength: number): ReceiveFault | undefined {
    const first = this.header[0];
    this.opcode = first & OPCODE_BITS;
    this.isFinal = (first & FIN_BIT) !== 0;
    if ((first & RSV_BITS) !== 0) return protocolError('a reserved bit is set');
    if ((this.header[1] & MASK_BIT) !== 0) return protocolError('a server must not mask its frames');
    switch (this.opcode) {
      case Opcode.Continuation:
        return this.messageOpcode === Opcode.Continuation
          ? protocolError('a continuation without a message')
          : undefined;
      case Opcode.Text:
      case Opcode.Binary:
        return this.messageOpcode === Opcode.Continuation
          ? undefined
          : protocolError('a message inside a fragmented message');
      case Opcode.Close:
      case Opcode.Ping:
      case Opcode.Pong:
        if (!this.isFinal) return protocolError('a control frame is fragmented');
        return shortLength > CONTROL_PAYLOAD_MAX ? protocolError('a control frame is too long') : undefined;
      default:
        return protocolError(`unknown opcode ${this.opcode}`);
    }
  }

  private beginPayload(length: number, available: number): ReceiveFault | undefined {
    this.isInPayload = true;
    this.remaining = length;
    if (this.opcode >= Opcode.Close) {
      this.control = Buffer.allocUnsafeSlow(length);
      this.controlLength = 0;
      return undefined;
    }
    if (this.messageLength + length > this.messageBytesMax) {
      return {
        closeCode: CloseCode.TooBig,
        reason: `a message is larger than ${this.messageBytesMax} bytes`,
      };
    }
    if (this.opcode !== Opcode.Continuation) this.messageOpcode = this.opcode;
    this.reserve(Math.min(length, Math.max(available, FIRST_ALLOCATION_MAX)));
    return undefined;
  }

  private takePayload(chunk: Uint8Array, at: number, count: number): void {
    const source = count === chunk.length ? chunk : chunk.subarray(at, at + count);
    this.remaining -= count;
    if (this.opcode >= Opcode.Close) {
      this.control.set(source, this.controlLength);
      this.controlLength += count;
      return;
    }
    this.reserve(count);
    this.message.set(source, this.messageLength);
    this.messageLength += count;
  }

  /** Makes room for `extra` bytes by doubling (many small fragments must not copy quadratically), up to what can come. */
  private reserve(extra: number): void {
    const needed = this.messageLength + extra;
    if (needed <= this.message.length) return;
    const atMost = this.isFinal ? needed + this.remaining : this.messageBytesMax;
    const capacity = Math.max(needed, Math.min(this.message.length * 2, atMost));
    const grown = Buffer.allocUnsafeSlow(capacity);
    grown.set(this.message.subarray(0, this.messageLength));
    this.message = grown;
  }

  private finishFrame(): ReceiveFault | undefined {
    this.isInPayload = false;
    this.headerLength = 0;
    this.headerNeeded = 2;
    if (this.opcode >= Opcode.Close) return this.finishControl();
    if (!this.isFinal) return undefined;
    const bytes = this.message.subarray(0, this.messageLength);
    const isText = this.messageOpcode === Opcode.Text;
    // The memory goes to whoever takes the message.
    this.message = NO_BYTES;
    this.messageLength = 0;
    this.messageOpcode = Opcode.Continuation;
    if (!isText) {
      this.handler.onBinary(bytes);
      return undefined;
    }
    const text = decodeUtf8(bytes);
    if (text === undefined) return { closeCode: CloseCode.InvalidPayload, reason: 'a text is not UTF-8' };
    this.handler.onText(text);
    return undefined;
  }

  private finishControl(): ReceiveFault | undefined {
    if (this.opcode === Opcode.Ping) this.handler.onPing(this.control);
    else if (this.opcode === Opcode.Pong) this.handler.onPong(this.control);
    else return this.finishClose();
    return undefined;
  }

  private finishClose(): ReceiveFault | undefined {
    const payload = this.control;
    this.isClosed = true;
    if (payload.length === 0) {
      this.handler.onClose(CloseCode.NoStatus, '');
      return undefined;
    }
    const code = payload.length === 1 ? 0 : payload.readUInt16BE(0);
    if (!isValidCloseCode(code)) return protocolError(`close code ${code}`);
    const reason = decodeUtf8(payload.subarray(2));
    if (reason === undefined)
      return { closeCode: CloseCode.InvalidPayload, reason: 'a close reason is not UTF-8' };
    this.handler.onClose(code, reason);
    return undefined;
  }
}

function protocolError(reason: string): ReceiveFault {
  return { closeCode: CloseCode.ProtocolError, reason };
}

function decodeUtf8(bytes: Uint8Array): string | undefined {
  try {
    return utf8.decode(bytes);
  } catch {
    return undefined;
  }
}
