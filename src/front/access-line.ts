/**
 * Writes lines of access.log as bytes. Put together as strings they would take as long as the rest of a small GET: numbers and
 * the pieces of a line are what costs, so what many lines share is kept as bytes and digits are written one by one.
 */
const URL_LENGTH_MAX = 2048;
/** Longer ones are written by native code, which costs more to call and less a byte. */
const SHORT_URL_LENGTH_MAX = 64;
const MESSAGE_LENGTH_MAX = 1000;
const HEAD_BYTES_MAX = 300;
/** Each character of URL and query may be escaped (`\u00ff`), and one of a message may have up to 6 bytes. */
export const LINE_BYTES_MAX = HEAD_BYTES_MAX + 2 * 6 * URL_LENGTH_MAX + 6 * MESSAGE_LENGTH_MAX + 200;

const SPACE = 0x20;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LAST_PRINTABLE = 0x7e;
const ZERO = 0x30;
const LINE_FEED = 0x0a;
const INT32_MAX = 2 ** 31 - 1;

/** A request on its way to its answer. */
export interface AccessRequest {
  readonly address: string;
  /** Of the caller; '' when unknown. */
  readonly name: string;
  /** In lower case, as uWS has it. */
  readonly method: string;
  readonly url: string;
  /** Without the question mark; '' when there is none. */
  readonly query: string;
}

export class AccessLine {
  /** Address, name, time and method of the line before, which most lines share. */
  private readonly headBytes = Buffer.alloc(HEAD_BYTES_MAX);
  private head = this.headBytes.subarray(0, 0);
  private address = '';
  private name = '';
  private method = '';
  private timeMs = -1;

  /** Returns where the line ends. `bytes` has room for LINE_BYTES_MAX from `at` on. */
  write(
    bytes: Buffer,
    at: number,
    request: AccessRequest,
    timeMs: number,
    status: number,
    bodyBytes: number,
    durationUs: number,
    requestId: string,
    message: string,
  ): number {
    this.useHead(request, timeMs);
    bytes.set(this.head, at);
    let end = at + this.head.length;
    end = putUrl(bytes, end, request.url);
    if (request.query !== '') {
      bytes[end++] = 0x3f;
      end = putUrl(bytes, end, request.query);
    }
    bytes[end++] = QUOTE;
    bytes[end++] = SPACE;
    end = putInteger(bytes, end, status);
    bytes[end++] = SPACE;
    end = putInteger(bytes, end, bodyBytes);
    bytes[end++] = SPACE;
    end = putInteger(bytes, end, durationUs);
    bytes[end++] = SPACE;
    end += bytes.write(requestId, end, 'latin1');
    if (message !== '')
      end += bytes.write(` ${JSON.stringify(message.slice(0, MESSAGE_LENGTH_MAX))}`, end, 'utf8');
    bytes[end++] = LINE_FEED;
    return end;
  }

  private useHead({ address, name, method }: AccessRequest, timeMs: number): void {
    if (timeMs === this.timeMs && method === this.method && address === this.address && name === this.name)
      return;
    this.timeMs = timeMs;
    this.method = method;
    this.address = address;
    this.name = name;
    const time = new Date(timeMs).toISOString();
    const text = `${address} - ${name === '' ? '-' : name} [${time}] "${method.toUpperCase()} `;
    this.head = this.headBytes.subarray(0, this.headBytes.write(text, 0, 'latin1'));
  }
}

function putUrl(bytes: Buffer, at: number, url: string): number {
  if (url.length <= SHORT_URL_LENGTH_MAX) {
    const end = putPlain(bytes, at, url);
    if (end !== -1) return end;
  }
  const short = url.length > URL_LENGTH_MAX ? `${url.slice(0, URL_LENGTH_MAX)}...` : url;
  const end = at + bytes.write(short, at, 'latin1');
  for (let i = at; i < end; i++) {
    const byte = bytes[i];
    // What would end the quotes or the line, or upset a terminal.
    if (byte < SPACE || byte > LAST_PRINTABLE || byte === QUOTE || byte === BACKSLASH)
      return at + bytes.write(escaped(short), at, 'latin1');
  }
  return end;
}

/** Returns where it ends, or -1 for what has to be escaped. In one pass, and without a call into native code. */
function putPlain(bytes: Buffer, at: number, url: string): number {
  for (let i = 0; i < url.length; i++) {
    const code = url.charCodeAt(i);
    if (code < SPACE || code > LAST_PRINTABLE || code === QUOTE || code === BACKSLASH) return -1;
    bytes[at + i] = code;
  }
  return at + url.length;
}

function escaped(text: string): string {
  return text.replaceAll(
    /[^\x20-\x21\x23-\x5b\x5d-\x7e]/g,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** Decimal digits of a whole number that is not negative. */
function putInteger(bytes: Buffer, at: number, value: number): number {
  if (value < 10) {
    bytes[at] = ZERO + value;
    return at + 1;
  }
  if (value <= INT32_MAX) return putInt32(bytes, at, value);
  let digits = 1;
  for (let rest = value; rest >= 10; rest = Math.floor(rest / 10)) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const tens = Math.floor(rest / 10);
    bytes[i] = ZERO + rest - 10 * tens;
    rest = tens;
  }
  return at + digits;
}

/** The same of what V8 divides as a machine word. */
function putInt32(bytes: Buffer, at: number, value: number): number {
  let digits = 1;
  for (let bound = 10; digits < 10 && value >= bound; bound *= 10) digits++;
  let rest = value;
  for (let i = at + digits - 1; i >= at; i--) {
    const tens = (rest / 10) | 0;
    bytes[i] = ZERO + rest - 10 * tens;
    rest = tens;
  }
  return at + digits;
}
