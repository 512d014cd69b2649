/** UPDATE: each document is written on condition that it still has the version that was read. */
import type { PhysicalModification, PhysicalPlan } from '../algebra/physical.js';
import { rowBytes } from '../types/value-bytes.js';
import { Json, type Row, type SqlValue } from '../types/values.js';
import { compileAssignments } from './assignments.js';
import { editDocument } from './document-text.js';
import { HASH_ENTRY_BYTES } from './memory-budget.js';
import type { Compilation } from './operator.js';
import { mayRepeat, Recheck } from './recheck.js';
import type { DocumentWrite } from './source.js';
import { type Modifier, type ModifyContext, retry, WriteBatch } from './write-batch.js';

interface Update {
  readonly modification: PhysicalModification & { kind: 'update' };
  readonly input: PhysicalPlan;
}

export function buildUpdate(
  { modification, input }: Update,
  context: ModifyContext,
  compilation: Compilation,
): Modifier {
  const { table, key, seqno, document } = modification;
  const { writer } = context;
  const changesOf = compileAssignments(modification.assignments, compilation);
  const textOf = (row: Row): string => editDocument(documentText(row[document]), changesOf(row));
  const written = (text: string, version: number, row: Row | undefined): void =>
    context.done(row && context.target && [...context.target.readText(text, version), ...row]);
  /** Of a row that the input uses again; only RETURNING asks for it. */
  const kept = (row: Row): Row | undefined => (context.target === undefined ? undefined : row.slice());
  let recheck: Recheck | undefined;

  const again = (id: string): void => {
    recheck ??= new Recheck(input, key, compilation);
    const { isPossible } = recheck;
    retry(id, () => {
      const current = isPossible ? writer.current(table.collectionId, id) : undefined;
      if (current === undefined) return isPossible;
      const row = recheck?.run(current.text, current.seqno);
      if (row === undefined) return true;
      const text = textOf(row);
      const [result] = writer.write(table.collection, [{ id, text, expects: current.seqno }]);
      if (result.status !== 'written') return false;
      written(text, result.seqno, row);
      return true;
    });
  };

  const batch = new WriteBatch<Row | undefined>(context, table.collection, (row, write, result) => {
    if (result.status === 'conflict') again(write.id);
    else written(write.text ?? '', result.seqno, row);
  });
  const isNew = onceEach(input, context);
  return {
    add(row) {
      const id = row[key];
      // The right side of an outer join may have no document.
      if (typeof id !== 'string' || !isNew(id)) return;
      const write: DocumentWrite = { id, text: textOf(row), expects: Number(row[seqno]) };
      const held = kept(row);
      batch.add(write, held, held === undefined ? 0 : rowBytes(held));
    },
    flush: () => batch.flush(),
  };
}

/** A document that a join gives several times is changed once, by the first of its rows, as in PostgreSQL. */
export function onceEach(input: PhysicalPlan, { account }: ModifyContext): (id: string) => boolean {
  if (!mayRepeat(input)) return () => true;
  const seen = new Set<string>();
  return (id) => {
    if (seen.has(id)) return false;
    account.charge(HASH_ENTRY_BYTES + id.length);
    seen.add(id);
    return true;
  };
}

function documentText(value: SqlValue): string {
  if (value instanceof Json) return value.text;
  throw new Error('the input of an UPDATE has no document');
}
