/**
 * Verifies a FlatBuffers table before anything reads it: the TypeScript runtime has no verifier of its own. Covers
 * tables of scalars, vectors of scalars, strings and vectors of strings; for nested tables this is not enough.
 *
 * Rules as in the C++ verifier (flatbuffers/verifier.h): every offset stays inside the buffer, every element is
 * aligned relative to the start of the buffer, every string ends with a zero byte. Works on single bytes, so the
 * buffer may lie at any address; allocates nothing and takes time in proportion to the strings it points at.
 */

export type FieldType =
  | 'uint8'
  | 'uint16'
  | 'uint32'
  | 'uint64'
  | '[uint8]'
  | '[uint16]'
  | '[uint32]'
  | '[uint64]'
  | 'string'
  | '[string]';

/** `id` is the number after `id:` in the schema; the inventory need not be complete, other fields are not read. */
export interface FieldSpec {
  readonly id: number;
  readonly name: string;
  readonly type: FieldType;
}

export interface VerifyFault {
  /** Name of the field, or '' when the root or the vtable is wrong. */
  readonly field: string;
  /** Byte in the buffer that holds the wrong number. */
  readonly offset: number;
  readonly reason: string;
}

const OFFSET_BYTES = 4;
const VTABLE_HEADER_BYTES = 4;
/** Offsets are read as non-negative int32 beyond this point of the toolchain. */
const BUFFER_BYTES_MAX = 0x7fff_ffff;

enum Shape {
  Scalar,
  Vector,
  String,
  Strings,
}

interface CompiledField {
  readonly id: number;
  readonly name: string;
  readonly shape: Shape;
  /** Of the scalar, or of one element of the vector. */
  readonly elementBytes: number;
}

function compileField(spec: FieldSpec): CompiledField {
  const { id, name, type } = spec;
  if (type === 'string') return { id, name, shape: Shape.String, elementBytes: 1 };
  if (type === '[string]') return { id, name, shape: Shape.Strings, elementBytes: OFFSET_BYTES };
  const bits = Number.parseInt(type.replace(/\D*/, ''), 10);
  return { id, name, shape: type.startsWith('[') ? Shape.Vector : Shape.Scalar, elementBytes: bits / 8 };
}

export function readUint32At(bytes: Uint8Array, at: number): number {
  return (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> 0;
}

function readUint16At(bytes: Uint8Array, at: number): number {
  return bytes[at] | (bytes[at + 1] << 8);
}

/** Reusable; one per kind of table. After a successful verify() it tells where each field is. */
export class TableVerifier {
  /** Per field id: offset of the scalar, the first element or the first byte of the string; 0 = absent. */
  readonly starts: Int32Array;
  /** Per field id: elements of the vector or bytes of the string; 1 for a scalar, 0 when absent. */
  readonly lengths: Int32Array;
  private readonly fields: readonly CompiledField[];

  constructor(fields: readonly FieldSpec[]) {
    this.fields = fields.map(compileField);
    const slots = Math.max(...fields.map((field) => field.id)) + 1;
    this.starts = new Int32Array(slots);
    this.lengths = new Int32Array(slots);
  }

  /** Undefined when every field of the table is safe to read. */
  verify(bytes: Uint8Array): VerifyFault | undefined {
    const size = bytes.length;
    this.starts.fill(0);
    this.lengths.fill(0);
    if (size < 2 * OFFSET_BYTES) return fault('', 0, `${size} bytes are too few for a table`);
    if (size > BUFFER_BYTES_MAX) return fault('', 0, `${size} bytes are above the format's limit`);
    const table = readUint32At(bytes, 0);
    if (table % OFFSET_BYTES !== 0 || table < OFFSET_BYTES || table + OFFSET_BYTES > size) {
      return fault('', 0, `root offset ${table} is misaligned or outside ${size} bytes`);
    }
    const vtable = table - (readUint32At(bytes, table) | 0);
    if (vtable % 2 !== 0 || vtable < OFFSET_BYTES || vtable + VTABLE_HEADER_BYTES > size) {
      return fault('', table, `vtable at ${vtable} is misaligned or outside ${size} bytes`);
    }
    const vtableBytes = readUint16At(bytes, vtable);
    if (vtableBytes % 2 !== 0 || vtableBytes < VTABLE_HEADER_BYTES || vtable + vtableBytes > size) {
      return fault('', vtable, `vtable size ${vtableBytes} is odd or does not fit`);
    }
    const tableBytes = readUint16At(bytes, vtable + 2);
    if (tableBytes < OFFSET_BYTES || table + tableBytes > size) {
      return fault('', vtable + 2, `table size ${tableBytes} does not fit`);
    }
    for (const field of this.fields) {
      const entry = VTABLE_HEADER_BYTES + 2 * field.id;
      if (entry + 2 > vtableBytes) continue;
      const inTable = readUint16At(bytes, vtable + entry);
      if (inTable === 0) continue;
      const bad = this.verifyField(bytes, field, table, inTable, tableBytes, vtable + entry);
      if (bad !== undefined) return bad;
    }
    return undefined;
  }

  private verifyField(
    bytes: Uint8Array,
    field: CompiledField,
    table: number,
    inTable: number,
    tableBytes: number,
    entryAt: number,
  ): VerifyFault | undefined {
    const inlineBytes = field.shape === Shape.Scalar ? field.elementBytes : OFFSET_BYTES;
    const at = table + inTable;
    if (inTable < OFFSET_BYTES || inTable + inlineBytes > tableBytes || at % inlineBytes !== 0) {
      return fault(field.name, entryAt, `field offset ${inTable} is misaligned or outside the table`);
    }
    if (field.shape === Shape.Scalar) {
      this.starts[field.id] = at;
      this.lengths[field.id] = 1;
      return undefined;
    }
    const bad = verifyVector(bytes, field, at);
    if (bad !== undefined) return bad;
    const start = at + readUint32At(bytes, at) + OFFSET_BYTES;
    const length = readUint32At(bytes, start - OFFSET_BYTES);
    this.starts[field.id] = start;
    this.lengths[field.id] = length;
    return field.shape === Shape.Strings ? verifyStrings(bytes, field, start, length) : undefined;
  }
}

function fault(field: string, offset: number, reason: string): VerifyFault {
  return { field, offset, reason };
}

/** Checks the vector or string that the offset at `at` points to. All sums stay below 2^36: nothing wraps. */
function verifyVector(bytes: Uint8Array, field: CompiledField, at: number): VerifyFault | undefined {
  const size = bytes.length;
  const head = at + readUint32At(bytes, at);
  if (head === at || head % OFFSET_BYTES !== 0 || head + OFFSET_BYTES > size) {
    return fault(field.name, at, `offset to ${head} is misaligned or outside ${size} bytes`);
  }
  const length = readUint32At(bytes, head);
  const start = head + OFFSET_BYTES;
  if (length * field.elementBytes > size - start) {
    return fault(field.name, head, `${length} elements of ${field.elementBytes} bytes do not fit`);
  }
  if (length > 0 && start % field.elementBytes !== 0) {
    return fault(field.name, at, `elements at ${start} are not aligned to ${field.elementBytes} bytes`);
  }
  if (field.shape === Shape.String && (start + length >= size || bytes[start + length] !== 0)) {
    return fault(field.name, head, `the string of ${length} bytes has no zero byte at its end`);
  }
  return undefined;
}

function verifyStrings(
  bytes: Uint8Array,
  field: CompiledField,
  start: number,
  length: number,
): VerifyFault | undefined {
  const size = bytes.length;
  for (let i = 0; i < length; i++) {
    const at = start + i * OFFSET_BYTES;
    const head = at + readUint32At(bytes, at);
    if (head === at || head % OFFSET_BYTES !== 0 || head + OFFSET_BYTES > size) {
      return fault(field.name, at, `string ${i} at ${head} is misaligned or outside ${size} bytes`);
    }
    const end = head + OFFSET_BYTES + readUint32At(bytes, head);
    if (end >= size || bytes[end] !== 0) {
      return fault(field.name, head, `string ${i} does not fit or has no zero byte at its end`);
    }
  }
  return undefined;
}

/** First byte of string `index` of a verified [string] vector that starts at `start`. */
export function stringStart(bytes: Uint8Array, start: number, index: number): number {
  const at = start + index * OFFSET_BYTES;
  return at + readUint32At(bytes, at) + OFFSET_BYTES;
}

/** Length in bytes of the verified string whose first byte is at `start`. */
export function stringLength(bytes: Uint8Array, start: number): number {
  return readUint32At(bytes, start - OFFSET_BYTES);
}
