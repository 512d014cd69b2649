/**
 * Texts of documents that statements write: an INSERT's from its values, and an UPDATE's from the old text, whose other members
 * keep their text to the letter. Pure.
 */
import { ByteSink } from '../../json/byte-sink.js';
import { MemberTable } from '../../json/member-table.js';
import { MemberCursor, skipSpace } from '../../json/members.js';
import { decodeString } from '../../json/text.js';
import { DATATYPE_MISMATCH, INVALID_PARAMETER_VALUE, NOT_NULL_VIOLATION, sqlError } from '../errors.js';
import { toJsonText, toText } from '../types/text.js';
import { Json, type SqlValue } from '../types/values.js';

const ID = '_id';
const COMMA = 0x2c;
const COLON = 0x3a;
const OPEN_BRACE = 0x7b;
const CLOSE_BRACE = 0x7d;
/** The storage has the limit that counts; this one only keeps a buffer from growing without end. */
const DOCUMENT_BYTES_MAX = 64 * 1024 * 1024;
const SINK_BYTES = 1024;

const utf8 = new TextEncoder();

export interface NewDocument {
  readonly id: string;
  readonly text: string;
}

/** `undefined` takes a member away. */
export interface MemberChange {
  readonly path: readonly string[];
  readonly value: SqlValue | undefined;
}

/** Changes as a tree of members: a leaf has a value, or none when it is taken away. */
interface ChangeNode {
  readonly key: string;
  value: SqlValue | undefined;
  readonly inner: Map<string, ChangeNode>;
}

/** A document of these members, `_id` first. */
export function documentOfMembers(
  members: readonly (readonly string[])[],
  values: readonly SqlValue[],
  generatedId: () => string,
): NewDocument {
  const place = members.findIndex((path) => path.length === 1 && path[0] === ID);
  const id = place < 0 ? generatedId() : idText(values[place]);
  const changes = members.flatMap((path, i) => (i === place ? [] : [{ path, value: values[i] }]));
  const inner = [...changeTree(changes).values()].map(memberText);
  return { id, text: `{${[`${JSON.stringify(ID)}:${JSON.stringify(id)}`, ...inner].join(',')}}` };
}

/** A document that comes whole, as JSON; it gets an `_id` when it has none. */
export function documentOfValue(value: SqlValue, generatedId: () => string): NewDocument {
  const bytes = value instanceof Json ? utf8.encode(value.text) : undefined;
  if (!(value instanceof Json) || bytes === undefined || bytes[skipSpace(bytes, 0)] !== OPEN_BRACE) {
    throw sqlError(DATATYPE_MISMATCH, 'a document must be a JSON object');
  }
  const found = idOf(bytes);
  if (found !== undefined) return { id: found, text: value.text };
  const id = generatedId();
  const cursor = new MemberCursor();
  cursor.reset(bytes, 0);
  const isEmpty = !cursor.next();
  const rest = value.text.trimStart().slice(1);
  return { id, text: `{"_id":${JSON.stringify(id)}${isEmpty ? '' : ','}${rest}` };
}

function idOf(bytes: Uint8Array): string | undefined {
  const cursor = new MemberCursor();
  cursor.reset(bytes, 0);
  let id: string | undefined;
  while (cursor.next()) {
    if (decodeString(bytes, cursor.keyStart, cursor.keyEnd) !== ID) continue;
    if (bytes[cursor.valueStart] !== 0x22) throw sqlError(DATATYPE_MISMATCH, '_id must be text');
    id = decodeString(bytes, cursor.valueStart + 1, cursor.valueEnd - 1);
  }
  return id;
}

function idText(value: SqlValue): string {
  if (value === null) {
    throw sqlError(NOT_NULL_VIOLATION, 'null value in column "_id" violates not-null constraint');
  }
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint') return toText(value);
  throw sqlError(DATATYPE_MISMATCH, '_id must be text');
}

function changeTree(changes: readonly MemberChange[]): Map<string, ChangeNode> {
  const root = new Map<string, ChangeNode>();
  for (const { path, value } of changes) {
    let level = root;
    for (const [depth, key] of path.entries()) {
      const isLast = depth === path.length - 1;
      let node = level.get(key);
      if (node !== undefined && (isLast || node.inner.size === 0)) {
        throw sqlError('42701', `member ${path.join('.')} is assigned more than once`);
      }
      if (node === undefined) {
        node = { key, value: undefined, inner: new Map() };
        level.set(key, node);
      }
      if (isLast) node.value = value;
      level = node.inner;
    }
  }
  return root;
}

const memberText = (node: ChangeNode): string => `${JSON.stringify(node.key)}:${valueText(node)}`;

/** Of a member that was not there before. */
function valueText({ value, inner }: ChangeNode): string {
  if (inner.size === 0) return toJsonText(value ?? null);
  const members = [...inner.values()].filter((node) => node.inner.size > 0 || node.value !== undefined);
  return `{${members.map(memberText).join(',')}}`;
}

/** The document with its members changed; all others stay as they are written. */
export function editDocument(text: string, changes: readonly MemberChange[]): string {
  if (changes.some(({ path }) => path[0] === ID)) {
    throw sqlError(INVALID_PARAMETER_VALUE, '_id cannot be changed');
  }
  const bytes = utf8.encode(text);
  const sink = new ByteSink(Math.min(bytes.length + SINK_BYTES, DOCUMENT_BYTES_MAX), DOCUMENT_BYTES_MAX);
  editObject(bytes, skipSpace(bytes, 0), changeTree(changes), [], sink);
  return Buffer.from(sink.bytes.buffer, sink.bytes.byteOffset, sink.length).toString('utf8');
}

function editObject(
  bytes: Uint8Array,
  start: number,
  changes: ReadonlyMap<string, ChangeNode>,
  path: readonly string[],
  sink: ByteSink,
): void {
  const table = new MemberTable(bytes, start, null);
  const isDone = new Set<string>();
  let isFirst = true;
  const begin = (): void => {
    if (!isFirst) sink.appendByte(COMMA);
    isFirst = false;
  };
  sink.appendByte(OPEN_BRACE);
  for (let i = 0; i < table.count; i++) {
    const key = decodeString(bytes, table.keyStart[i], table.keyEnd[i]);
    const change = changes.get(key);
    isDone.add(key);
    if (change !== undefined && change.inner.size === 0 && change.value === undefined) continue;
    begin();
    // With its quotes.
    sink.append(bytes, table.keyStart[i] - 1, table.keyEnd[i] + 1);
    sink.appendByte(COLON);
    if (change === undefined) sink.append(bytes, table.valueStart[i], table.valueEnd[i]);
    else editValue(bytes, table.valueStart[i], change, [...path, key], sink);
  }
  for (const change of changes.values()) {
    if (isDone.has(change.key) || (change.inner.size === 0 && change.value === undefined)) continue;
    begin();
    appendText(memberText(change), sink);
  }
  sink.appendByte(CLOSE_BRACE);
}

function editValue(
  bytes: Uint8Array,
  start: number,
  change: ChangeNode,
  path: readonly string[],
  sink: ByteSink,
): void {
  if (change.inner.size === 0) {
    appendText(toJsonText(change.value ?? null), sink);
    return;
  }
  if (bytes[start] === OPEN_BRACE) {
    editObject(bytes, start, change.inner, path, sink);
    return;
  }
  // null is as good as missing; anything else would be lost.
  if (bytes[start] !== 0x6e) {
    throw sqlError(INVALID_PARAMETER_VALUE, `cannot set a member of ${path.join('.')}: it is not an object`);
  }
  appendText(valueText(change), sink);
}

function appendText(text: string, sink: ByteSink): void {
  const bytes = utf8.encode(text);
  sink.append(bytes, 0, bytes.length);
}
