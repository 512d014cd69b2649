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
      const row = recheck?.run(current.text, current.seqno);
      if (row === undefined) return true;
      const [result] = writer.write(table.collection, [{ id, text: undefined, expects: current.seqno }]);
      if (result.status !== 'written') return false;
      context.done(target && [...target.readText(current.text, current.seqno), ...row]);
      return true;
    });
  };

  const batch = new WriteBatch<Row | undefined>(context, table.collection, (row, { id }, result) => {
    if (result.status === 'conflict') again(id);
    else context.done(row);
  });
  /** What RETURNING sees: the document as it was when it was read, and the row of the input behind it. */
  const before = (id: string, row: Row): Row | undefined => {
    const place = target === undefined ? undefined : source.get(table.collectionId, id);
    return place && target && [...target.read(place), ...row];
  };
  const isNew = onceEach(input, context);
  return {
    add(row) {
      const id = row[key];
      if (typeof id !== 'string' || !isNew(id)) return;
      const version = Number(row[seqno]);
      const seen = before(id, row);
      batch.add({ id, text: undefined, expects: version }, seen, seen === undefined ? 0 : rowBytes(seen));
    },
    flush: () => batch.flush(),
  };
}
