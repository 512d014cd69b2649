/** DELETE: each document is deleted on condition that it still has the version that was read. */
import type { PhysicalModification, PhysicalPlan } from '../algebra/physical.js';
import { rowBytes } from '../types/value-bytes.js';
import type { Row } from '../types/values.js';
import type { Compilation } from './operator.js';
import { Recheck } from './recheck.js';
import { onceEach } from './update-rows.js';
import { type Modifier, type ModifyContext, retry, WriteBatch } from './write-batch.js';

interface Deletion {
  readonly modification: PhysicalModification & { kind: 'delete' };
  readonly input: PhysicalPlan;
}

export function buildDeletion(
  { modification, input }: Deletion,
  context: ModifyContext,
  compilation: Compilation,
): Modifier {
  const { table, key, seqno } = modification;
  const { writer, target } = context;
  const { source } = compilation.environment;
  let recheck: Recheck | undefined;

  const again = (id: string): void => {
    recheck ??= new Recheck(input, key, compilation);
    const { isPossible } = recheck;
    retry(id, () => {
      const current = isPossible ? writer.current(table.collectionId, id) : undefined;
      if (current === undefined) return isPossible;
      if (recheck?.run(current.text, current.seqno) === undefined) return true;
      const [result] = writer.write(table.collection, [{ id, text: undefined, expects: current.seqno }]);
      if (result.status !== 'written') return false;
      context.done(target?.readText(current.text, current.seqno));
      return true;
    });
  };

  const batch = new WriteBatch<Row | undefined>(context, table.collection, (row, { id }, result) => {
    if (result.status === 'conflict') again(id);
    else context.done(row);
  });
  /** What RETURNING sees: the document as it was when it was read. */
  const before = (id: string): Row | undefined => {
    const place = target === undefined ? undefined : source.get(table.collectionId, id);
    return place === undefined ? undefined : target?.read(place);
  };
  const isNew = onceEach(input, context);
  return {
    add(row) {
      const id = row[key];
      if (typeof id !== 'string' || !isNew(id)) return;
      const version = Number(row[seqno]);
      const document = before(id);
      const bytes = document === undefined ? 0 : rowBytes(document);
      batch.add({ id, text: undefined, expects: version }, document, bytes);
    },
    flush: () => batch.flush(),
  };
}
