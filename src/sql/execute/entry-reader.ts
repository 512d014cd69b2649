/**
 * Fields out of an index entry: columns of its key, the document's `_id` behind them, and the included members in its value
 * (a JSON array in the order of the definition; empty when it would have been too long). One scan.
 */
import type { IndexDefinition } from '../../indexes/definition.js';
import type { KeyDecoder } from '../../indexes/key-decoding.js';
import { ElementCursor } from '../../json/members.js';
import { decodeText } from '../../json/text.js';
import type { FieldAccess } from '../algebra/physical.js';
import type { Row, SqlValue } from '../types/values.js';
import { declared } from './field-reader.js';
import { decodeValue } from './json-decoder.js';
import type { DocumentPlace } from './source.js';

type Place =
  | { readonly kind: 'column' | 'included'; readonly place: number }
  | { readonly kind: 'id' }
  | { readonly kind: 'none' };

export class EntryReader {
  private readonly places: readonly Place[];
  private readonly hasIncluded: boolean;
  private readonly included: SqlValue[] = [];
  private readonly cursor = new ElementCursor();

  constructor(
    private readonly fields: readonly FieldAccess[],
    definition: IndexDefinition,
    private readonly decoder: KeyDecoder,
    private readonly row: Row,
  ) {
    this.places = fields.map(({ source }) =>
      source.kind === 'member' ? placeOf(source.path, definition) : { kind: 'none' },
    );
    this.hasIncluded = this.places.some(({ kind }) => kind === 'included');
  }

  /** Fills the row; false when the entry does not hold everything. The decoder has read the key, which ends at `keyEnd`. */
  read(entry: DocumentPlace, key: Uint8Array, keyEnd: number): boolean {
    if (this.hasIncluded && !this.readIncluded(entry)) return false;
    const { places, fields, row } = this;
    for (let slot = 0; slot < places.length; slot++) {
      const value = this.valueAt(places[slot], key, keyEnd);
      if (value === undefined) return false;
      row[slot] = declared(value, fields[slot].type);
    }
    return true;
  }

  private valueAt(place: Place, key: Uint8Array, keyEnd: number): SqlValue | undefined {
    switch (place.kind) {
      case 'column':
        return this.decoder.value(place.place);
      case 'included':
        return this.included[place.place];
      case 'id':
        return decodeText(key, this.decoder.idStart, keyEnd);
      default:
        return undefined;
    }
  }

  private readIncluded({ bytes, offset, length }: DocumentPlace): boolean {
    if (length === 0) return false;
    const { cursor, included } = this;
    cursor.reset(bytes, offset);
    included.length = 0;
    while (cursor.next()) included.push(decodeValue(bytes, cursor.valueStart, cursor.valueEnd));
    return true;
  }
}

function placeOf(path: readonly string[], { columns, include }: IndexDefinition): Place {
  const isSame = (other: readonly string[]): boolean =>
    other.length === path.length && other.every((segment, depth) => segment === path[depth]);
  if (isSame(['_id'])) return { kind: 'id' };
  const column = columns.findIndex(
    (candidate) => candidate.expression === undefined && isSame(candidate.path),
  );
  if (column >= 0) return { kind: 'column', place: column };
  const included = include.findIndex(isSame);
  return included >= 0 ? { kind: 'included', place: included } : { kind: 'none' };
}
