/**
 * Turns documents into the rows of a scan. The filter's conditions are settled in the order of what they cost: on the bytes,
 * then over the members that the filter needs; other members are decoded only for documents that pass, and those that the
 * operator above may not need (DEMAND_LATE) only when it asks. One scan, one thread.
 */
import type { Expression } from '../algebra/expression.js';
import type { FieldAccess } from '../algebra/physical.js';
import { Json, type Row } from '../types/values.js';
import { type BytePredicate, compileBytePredicate, type SpanOf } from './byte-predicates.js';
import { compilePredicate, constantOf } from './expressions.js';
import { FieldExtractor } from './field-extractor.js';
import { FieldReader } from './field-reader.js';
import { slice } from './json-text.js';
import {
  type Compilation,
  DEMAND_LATE,
  DEMAND_NONE,
  DEMAND_NOW,
  type Demand,
  type Predicate,
} from './operator.js';
import { conjunctsOf, hasSubquery, markSlots } from './slots.js';
import type { DocumentPlace } from './source.js';

const NO_BYTES = new Uint8Array(0);
const NO_PLACE: DocumentPlace = { bytes: NO_BYTES, offset: 0, length: 0, seqno: 0 };

export class DocumentReader {
  /** Of the last document that was accepted. */
  readonly row: Row;
  private readonly extractor: FieldExtractor;
  /** Undefined for the whole document and its version. */
  private readonly readers: (FieldReader | undefined)[];
  private readonly bytePredicates: readonly BytePredicate[];
  private readonly predicates: readonly Predicate[];
  /** Slots to fill before the predicates, for every document that is accepted, and when asked. */
  private readonly filterSlots: readonly number[];
  private readonly slots: readonly number[];
  private readonly lateSlots: readonly number[];
  private place: DocumentPlace = NO_PLACE;

  constructor(
    private readonly fields: readonly FieldAccess[],
    conditions: readonly (Expression | undefined)[],
    demand: Demand,
    compilation: Compilation,
  ) {
    this.row = new Array(fields.length).fill(null);
    const conjuncts = conditions.flatMap((condition) =>
      condition === undefined ? [] : conjunctsOf(condition),
    );
    const paths = new Map<string, { readonly path: readonly string[]; readonly span: number }>();
    const spans = fields.map(({ source }) => spanOfPath(paths, source));
    const spanOf: SpanOf = (slot) =>
      spans[slot] < 0 ? undefined : { span: spans[slot], type: fields[slot].type };
    const bytePredicates: BytePredicate[] = [];
    const rest: Expression[] = [];
    for (const conjunct of conjuncts) {
      const predicate = compileBytePredicate(conjunct, spanOf, (e) => constantOf(e, compilation));
      if (predicate === undefined) rest.push(conjunct);
      else bytePredicates.push(predicate);
    }
    this.bytePredicates = bytePredicates;
    this.predicates = rest.map((condition) => compilePredicate(condition, compilation));
    const inFilter = new Uint8Array(fields.length);
    for (const condition of rest) markSlots(condition, inFilter, DEMAND_NOW);
    // After a subquery the document's bytes may be gone: all of it is decoded before.
    if (rest.some(hasSubquery)) inFilter.fill(DEMAND_NOW);
    const wish = (slot: number): number =>
      inFilter[slot] !== DEMAND_NONE ? DEMAND_NONE : demand === undefined ? DEMAND_NOW : demand[slot];
    const all = fields.map((_, slot) => slot);
    this.filterSlots = all.filter((slot) => inFilter[slot] !== DEMAND_NONE);
    this.slots = all.filter((slot) => wish(slot) === DEMAND_NOW);
    this.lateSlots = all.filter((slot) => wish(slot) === DEMAND_LATE);
    this.extractor = new FieldExtractor([...paths.values()].map(({ path }) => path));
    this.readers = fields.map(({ type }, slot) =>
      spans[slot] < 0 ? undefined : new FieldReader(this.extractor, spans[slot], type),
    );
  }

  /** Whether the document passes; `row` then has what is demanded. The bytes must stay until `complete` was called. */
  accept(place: DocumentPlace): boolean {
    const { extractor, bytePredicates, predicates, row } = this;
    this.place = place;
    if (extractor.starts.length > 0) extractor.locate(place.bytes, place.offset);
    for (let i = 0; i < bytePredicates.length; i++) if (!bytePredicates[i](extractor)) return false;
    if (predicates.length > 0) {
      this.fill(this.filterSlots);
      for (let i = 0; i < predicates.length; i++) if (!predicates[i](row)) return false;
    }
    if (this.slots.length > 0) this.fill(this.slots);
    return true;
  }

  get hasLateSlots(): boolean {
    return this.lateSlots.length > 0;
  }

  complete(): void {
    this.fill(this.lateSlots);
  }

  private fill(slots: readonly number[]): void {
    const { readers, row } = this;
    for (let i = 0; i < slots.length; i++) {
      const slot = slots[i];
      const reader = readers[slot];
      row[slot] = reader === undefined ? this.ofDocument(slot) : reader.read();
    }
  }

  private ofDocument(slot: number): Json | number {
    const { bytes, offset, length, seqno } = this.place;
    return this.fields[slot].source.kind === 'seqno'
      ? seqno
      : new Json(slice(bytes, offset, offset + length));
  }
}

/** The place of the path's span, the same for the same path; -1 when it is not a member. */
function spanOfPath(
  paths: Map<string, { readonly path: readonly string[]; readonly span: number }>,
  source: FieldAccess['source'],
): number {
  if (source.kind !== 'member') return -1;
  const key = JSON.stringify(source.path);
  const known = paths.get(key);
  if (known !== undefined) return known.span;
  const span = paths.size;
  paths.set(key, { path: source.path, span });
  return span;
}
