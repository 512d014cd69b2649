/**
 * What a document has in the columns of an index, and whether it has an entry at all. Columns that are members are read out
 * of the text here; expressions and conditions are SQL, which the storage does not know: the runtime brings an
 * implementation that has compiled them (ExtractorFactory). Both ends of the storage, engine and tools, use this.
 */
import { DbError } from '../base/errors.js';
import { findPath, Span } from '../json/members.js';
import type { IndexDefinition } from './definition.js';
import type { KeyEncoder } from './key-encoding.js';

export interface IndexExtractor {
  /**
   * Adds all columns of the document bytes[offset, offset + length) to the key. False when the document has no entry; the
   * key is then of no use. Never throws, and depends on nothing but the document: replay must find the same. An
   * expression that has no value for a document (an error) is NULL.
   */
  addColumns(bytes: Uint8Array, offset: number, length: number, key: KeyEncoder): boolean;
}

/** Throws DbError when the definition cannot be maintained here. */
export type ExtractorFactory = (definition: IndexDefinition) => IndexExtractor;

export function hasExpressions({ columns, where }: Pick<IndexDefinition, 'columns' | 'where'>): boolean {
  return where !== undefined || columns.some(({ expression }) => expression !== undefined);
}

/** For indexes without expressions and conditions. */
export const pathExtractor: ExtractorFactory = (definition) => {
  if (hasExpressions(definition)) {
    throw new DbError(
      'VALIDATION',
      `index ${JSON.stringify(definition.name)} has expressions, which cannot be evaluated here`,
    );
  }
  const columns = definition.columns.map((order) => ({ order, path: pathUtf8(order.path) }));
  const span = new Span();
  return {
    addColumns(bytes, offset, length, key) {
      for (let i = 0; i < columns.length; i++) {
        const { order, path } = columns[i];
        if (findPath(bytes, offset, offset + length, path, span))
          key.addJson(bytes, span.start, span.end, order);
        else key.addNull(order);
      }
      return true;
    },
  };
};

export function pathUtf8(path: readonly string[]): Uint8Array[] {
  return path.map((segment) => new TextEncoder().encode(segment));
}
