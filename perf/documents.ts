/**
 * The documents and keys of every measurement. Each key has one document per writer, which differ in nothing but the
 * writer's name, so that all of them have the same size and a reader can tell who wrote what it found.
 */

/** In a template: the number of the key, zero-padded to as many digits. wrk's script knows it too. */
export const KEY_NUMBER = 'NNNNNNN';
const KEY_DIGITS = KEY_NUMBER.length;
export const KEYS_MAX = 10 ** KEY_DIGITS - 1;

export const COLLECTION = 'perf';
/** Path of a document, as a template. */
export const DOCUMENT_PATH = `/api/v1/${COLLECTION}/u${KEY_NUMBER}`;

export type Writer = 'load' | 'http' | 'sock';

export interface PerfDocument {
  readonly _id: string;
  readonly user: string;
  readonly writer: Writer;
}

function numberOf(index: number): string {
  return String(index).padStart(KEY_DIGITS, '0');
}

export function keyOf(index: number): string {
  return `u${numberOf(index)}`;
}

const PROSE = 'the quick brown fox jumps over the lazy dog and runs along the river until the sun goes down ';
const FRAME = (writer: Writer, text: string): string =>
  `{"user":"${KEY_NUMBER}","writer":"${writer}","active":true,"score":42.5,"tags":["new","eu"],"text":"${text}"}`;

export const DOCUMENT_BYTES_MIN = FRAME('load', '').length;

/**
 * JSON text of `bytes` bytes with KEY_NUMBER in it and without `_id`: what a client sends to a document's path. The
 * server adds the `_id`, so that what it stores is longer: see storedBytes().
 */
export function documentTemplate(writer: Writer, bytes: number): string {
  const room = bytes - DOCUMENT_BYTES_MIN;
  if (room < 0) throw new Error(`documents have at least ${DOCUMENT_BYTES_MIN} bytes, not ${bytes}`);
  return FRAME(writer, PROSE.repeat(Math.ceil(room / PROSE.length)).slice(0, room));
}

/** What documents are made of when they shall not all be alike: some thousand words of 3 to 10 letters. */
const WORDS: readonly string[] = makeWords(4096);

function makeWords(count: number): string[] {
  let state = 0x9e3779b9;
  const next = (): number => {
    state = nextState(state);
    return state;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 3 + (next() % 8) }, () => String.fromCharCode(97 + (next() % 26))).join(''),
  );
}

/** Xorshift, 32 bits (Marsaglia 2003); never 0 for one that is not. */
function nextState(state: number): number {
  let next = state ^ (state << 13);
  next ^= next >>> 17;
  next ^= next << 5;
  return next >>> 0;
}

/** A document of `bytes` bytes whose text is of random words, the same ones for the same writer and index: it halves when it is compressed, as real text does. */
export function variedDocument(writer: Writer, bytes: number, index: number): string {
  const room = bytes - DOCUMENT_BYTES_MIN;
  let state = (index + 1) * (writer === 'load' ? 2654435761 : 1597334677);
  state = state >>> 0 || 1;
  let text = '';
  while (text.length < room) {
    state = nextState(state);
    text += `${WORDS[state % WORDS.length]} `;
  }
  return fillIn(FRAME(writer, text.slice(0, room)), index);
}

/** A template with the number of a key filled in. */
export function fillIn(template: string, index: number): string {
  return template.replaceAll(KEY_NUMBER, numberOf(index));
}

const ID_MEMBER_BYTES = `"_id":"${keyOf(0)}",`.length;

/** Size of a document as the server keeps it and GET answers it. */
export function storedBytes(documentBytes: number): number {
  return documentBytes + ID_MEMBER_BYTES;
}

/** What is wrong with a document that was read under a key, or undefined. */
export function documentFault(
  document: PerfDocument,
  index: number,
  documentBytes: number,
): string | undefined {
  const isItself = document._id === keyOf(index) && document.user === numberOf(index);
  const isRight = isItself && JSON.stringify(document).length === storedBytes(documentBytes);
  return isRight ? undefined : `key ${keyOf(index)} gave ${JSON.stringify(document)}`;
}
