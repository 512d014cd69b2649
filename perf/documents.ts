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
