/** INSERT, with ON CONFLICT. A document whose `_id` is taken is a conflict; the writer finds it when it writes. */
import type { FieldAccess, PhysicalModification } from '../algebra/physical.js';
import { CARDINALITY_VIOLATION, sqlError, UNIQUE_VIOLATION } from '../errors.js';
import type { SqlValue } from '../types/values.js';
import { compileAssignments } from './assignments.js';
import { documentOfMembers, documentOfValue, editDocument, type NewDocument } from './document-text.js';
import { compilePredicate } from './expressions.js';
import { HASH_ENTRY_BYTES } from './memory-budget.js';
import type { Compilation } from './operator.js';
import { TargetReader } from './target-reader.js';
import { type Modifier, type ModifyContext, retry, WriteBatch } from './write-batch.js';

type Insert = PhysicalModification & { kind: 'insert' };
type OnConflict = NonNullable<Insert['onConflict']>;

interface Insertion {
  readonly modification: Insert;
  readonly target: readonly FieldAccess[];
}

export function buildInsertion(
  { modification, target }: Insertion,
  context: ModifyContext,
  compilation: Compilation,
): Modifier {
  const { writer } = context;
  const { table, members, onConflict } = modification;
  const generatedId = (): string => writer.generatedId();
  const written = new WrittenIds(context);
  const resolve = compileConflict(modification, onConflict, target, written, context, compilation);
  const batch = new WriteBatch<undefined>(context, table.collection, (_, { id, text = '' }, result) => {
    if (result.status === 'conflict') {
      resolve({ id, text });
      return;
    }
    if (onConflict?.kind === 'update') written.add(id);
    context.done(context.target?.readText(text, result.seqno));
  });
  return {
    add(row) {
      const values: readonly SqlValue[] = row;
      const { id, text } =
        members === 'document'
          ? documentOfValue(values[0], generatedId)
          : documentOfMembers(members, values, generatedId);
      batch.add({ id, text, expects: 'absent' }, undefined);
    },
    flush: () => batch.flush(),
  };
}

/** Documents that ON CONFLICT DO UPDATE inserted or updated: it may not change any of them again. */
class WrittenIds {
  private readonly ids = new Set<string>();

  constructor(private readonly context: ModifyContext) {}

  add(id: string): void {
    this.context.account.charge(HASH_ENTRY_BYTES + id.length);
    this.ids.add(id);
  }

  has(id: string): boolean {
    return this.ids.has(id);
  }
}

function compileConflict(
  { table }: Insert,
  onConflict: OnConflict | undefined,
  target: readonly FieldAccess[],
  written: WrittenIds,
  context: ModifyContext,
  compilation: Compilation,
): (proposed: NewDocument) => void {
  if (onConflict === undefined) {
    return ({ id }) => {
      throw sqlError(
        UNIQUE_VIOLATION,
        `duplicate key value violates unique constraint "${table.collection}_pkey": (_id)=(${id}) already exists`,
      );
    };
  }
  if (onConflict.kind === 'nothing') return () => undefined;
  const { excluded, assignments, where } = onConflict;
  const current = new TargetReader(target, compilation);
  const proposedReader = new TargetReader(excluded, compilation);
  const accepts = where === undefined ? undefined : compilePredicate(where, compilation);
  const changesOf = compileAssignments(assignments, compilation);

  const attempt = (proposed: NewDocument): boolean => {
    const { id } = proposed;
    const found = context.writer.current(table.collectionId, id);
    if (found === undefined) {
      // The document that was in the way is gone.
      const again = { id, text: proposed.text, expects: 'absent' as const };
      const [result] = context.writer.write(table.collection, [again]);
      if (result.status !== 'written') return false;
      written.add(id);
      context.done(context.target?.readText(proposed.text, result.seqno));
      return true;
    }
    const row = [...current.readText(found.text, found.seqno), ...proposedReader.readText(proposed.text, 0)];
    if (accepts?.(row) === false) return true;
    const text = editDocument(found.text, changesOf(row));
    const [result] = context.writer.write(table.collection, [{ id, text, expects: found.seqno }]);
    if (result.status !== 'written') return false;
    written.add(id);
    context.done(context.target?.readText(text, result.seqno));
    return true;
  };

  return (proposed) => {
    if (written.has(proposed.id)) {
      throw sqlError(
        CARDINALITY_VIOLATION,
        'ON CONFLICT DO UPDATE command cannot affect row a second time: two rows have the same _id',
      );
    }
    retry(proposed.id, () => attempt(proposed));
  };
}
